// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a fuzz target over its corpus without libFuzzer, so that every build and sanitizer keeps what fuzzing once found.
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <vector>

int main(int argc, char** argv) {
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream file(entry.path(), std::ios::binary);
            const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
            // A block of its own and of exactly this size: reading past the end is seen.
            auto copy = std::make_unique<uint8_t[]>(bytes.size());
            std::copy(bytes.begin(), bytes.end(), copy.get());
            std::cerr << entry.path().filename().string() << '\n'; // the last line names the input that crashed
            LLVMFuzzerTestOneInput(copy.get(), bytes.size());
            count++;
        }
    }
    LLVMFuzzerTestOneInput(nullptr, 0);
    if (count == 0)
        std::cerr << "no input found\n";
    return count ? 0 : 1;
}
