// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/stream_memory.hpp"

#include <gtest/gtest.h>

#include <glib.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

using namespace sluice;

namespace {

using Media = StreamMemory::Media;

class StreamMemoryTest : public testing::Test {
protected:
    StreamMemoryTest() {
        char path[] = "/tmp/sluice-memory-XXXXXX";
        path_ = mkdtemp(path);
        state_.emplace(std::move(StateDirectory::open(path_, false)).value());
    }
    ~StreamMemoryTest() override {
        std::remove((path_ + "/streams.json").c_str());
        std::remove(path_.c_str());
    }
    time_t written() const {
        struct stat s {};
        return stat((path_ + "/streams.json").c_str(), &s) == 0 ? static_cast<time_t>(s.st_ino) : 0;
    }

    std::string path_;
    std::optional<StateDirectory> state_;
    const Media h264_{"video/x-h264, profile=(string)main", "audio/x-opus"};
};

TEST_F(StreamMemoryTest, RemembersAcrossARestart) {
    {
        StreamMemory memory(*state_);
        EXPECT_EQ(memory.of("front/main"), Media());
        memory.learn("front/main", h264_);
        memory.learn("yard/main", {"video/x-h265", ""});
    }
    const StreamMemory memory(*state_);
    EXPECT_EQ(memory.of("front/main"), h264_);
    EXPECT_EQ(memory.of("yard/main").audio, "");
    EXPECT_EQ(memory.of("yard/sub"), Media());
}

TEST_F(StreamMemoryTest, WritesOnlyNews) {
    StreamMemory memory(*state_);
    memory.learn("front/main", h264_);
    const auto file = written(); // each write makes a new file
    memory.learn("front/main", h264_);
    EXPECT_EQ(written(), file);
    memory.learn("front/main", {"video/x-h265", ""});
    EXPECT_NE(written(), file);
}

TEST_F(StreamMemoryTest, ForgetsWhatIsGone) {
    StreamMemory memory(*state_);
    memory.learn("front/main", h264_);
    memory.learn("yard/main", h264_);
    memory.keep([](const std::string& channel) { return channel == "yard/main"; });
    EXPECT_EQ(memory.of("front/main"), Media());
    EXPECT_EQ(StreamMemory(*state_).of("yard/main"), h264_);
    EXPECT_EQ(StreamMemory(*state_).of("front/main"), Media());
}

TEST_F(StreamMemoryTest, BrokenFilesAreNoneAtAll) {
    for (const char* text :
         {"", "{", "[]", "{\"streams\":[]}", "{\"streams\":{\"a\":7,\"b\":{\"video\":9}}}", "\xff\xfe"}) {
        std::ofstream(path_ + "/streams.json") << text;
        EXPECT_EQ(StreamMemory(*state_).of("a"), Media()) << text;
    }
    StreamMemory memory(*state_);
    memory.learn("front/main", {std::string(5000, 'x'), ""});
    EXPECT_EQ(memory.of("front/main"), Media()) << "more than any caps";
}

} // namespace
