// SPDX-License-Identifier: LGPL-2.1-or-later
// GLib's table of quarks begins as one block of 2048 and leaves that block behind when GStreamer's names outgrow it.
// LeakSanitizer sees a leak, and from a library without frame pointers no stack that a suppression could name.
// Call before gst_init(), while GLib still points to the block.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_TEST_LSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_TEST_LSAN 1
#endif
#endif

#ifdef SLUICE_TEST_LSAN
#include <link.h>

#include <cstddef>
#include <cstring>

// <sanitizer/allocator_interface.h>, which g++ 12 does not bring along.
extern "C" {
int __sanitizer_get_ownership(const volatile void* p);
size_t __sanitizer_get_allocated_size(const volatile void* p);
void __lsan_ignore_object(const void* p);
}

namespace sluice::test {

inline void forgive_quark_table() {
    auto look = [](dl_phdr_info* library, size_t, void*) {
        if (!library->dlpi_name || !std::strstr(library->dlpi_name, "libglib-2.0.so"))
            return 0;
        for (int i = 0; i < library->dlpi_phnum; i++) {
            const auto& part = library->dlpi_phdr[i];
            if (part.p_type != PT_LOAD || !(part.p_flags & PF_W))
                continue;
            auto* word = reinterpret_cast<void* const*>(library->dlpi_addr + part.p_vaddr);
            for (auto* end = word + part.p_memsz / sizeof(void*); word < end; word++) {
                if (__sanitizer_get_ownership(*word) && __sanitizer_get_allocated_size(*word) == 2048 * sizeof(char*))
                    __lsan_ignore_object(*word);
            }
        }
        return 1;
    };
    dl_iterate_phdr(look, nullptr);
}

} // namespace sluice::test
#else
namespace sluice::test {
inline void forgive_quark_table() {}
} // namespace sluice::test
#endif
