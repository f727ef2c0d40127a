// SPDX-License-Identifier: LGPL-2.1-or-later
// main() of every GoogleTest program: GStreamer is initialised, and a test that hangs ends by meson's timeout.
#include "tests/support/lsan_quarks.hpp"

#include <gst/gst.h>
#include <gtest/gtest.h>

#ifdef SLUICE_TSAN
namespace sluice {
void teach_tsan_glib(); // tsan_glib.cpp
}
#endif

int main(int argc, char** argv) {
#ifdef SLUICE_TSAN
    sluice::teach_tsan_glib();
#endif
    testing::InitGoogleTest(&argc, argv);
    sluice::test::forgive_quark_table();
    gst_init(&argc, &argv);
    return RUN_ALL_TESTS();
}
