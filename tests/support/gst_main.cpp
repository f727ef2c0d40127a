// SPDX-License-Identifier: LGPL-2.1-or-later
// main() of every GoogleTest program: GStreamer is initialised, and a test that hangs ends by meson's timeout.
#include "tests/support/lsan_quarks.hpp"

#include <gst/gst.h>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    sluice::test::forgive_quark_table();
    gst_init(&argc, &argv);
    return RUN_ALL_TESTS();
}
