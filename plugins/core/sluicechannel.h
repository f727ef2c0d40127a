/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face of a channel, for applications and the launcher. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define SLUICE_TYPE_CHANNEL (sluice_channel_get_type())
__attribute__((visibility("default"))) G_DECLARE_FINAL_TYPE(SluiceChannel, sluice_channel, SLUICE, CHANNEL, GObject)

/* Limits of the memory of one channel; 0 is "no limit of this kind". */
#define SLUICE_CHANNEL_DEFAULT_MAX_BYTES (8u * 1024u * 1024u) /* 10 s at 4 Mbit/s is 5 MB */
#define SLUICE_CHANNEL_DEFAULT_MAX_BUFFERS 4096u
#define SLUICE_CHANNEL_DEFAULT_MAX_TIME (15 * GST_SECOND)

    /**
 * sluice_channel_get:
 * @name: "camera/stream", printable ASCII without spaces, 1 to 200 characters
 *
 * Finds the channel of that name in this process, or makes it. A channel lives as long as somebody holds a
 * reference (its producer, its readers, the application).
 *
 * Returns: (transfer full) (nullable): the channel, NULL if the name is not allowed
 */
    __attribute__((visibility("default"))) SluiceChannel* sluice_channel_get(const char* name);

/**
 * sluice_channel_lookup:
 * Returns: (transfer full) (nullable): the channel of that name, NULL if there is none
 */
__attribute__((visibility("default"))) SluiceChannel* sluice_channel_lookup(const char* name);

__attribute__((visibility("default"))) const char* sluice_channel_get_name(SluiceChannel* channel);

/**
 * sluice_channel_set_unavailable:
 * @reason: (nullable): why there is no picture just now, for viewers to read ("connection refused"); NULL: none
 *
 * What a viewer is told when it asks for a channel without a producer. Cleared by the next producer.
 */
__attribute__((visibility("default"))) void sluice_channel_set_unavailable(SluiceChannel* channel, const char* reason);

/**
 * sluice_channel_remember:
 * @video: (nullable): caps of the video track, as the property `caps` gave them once
 * @audio: (nullable): caps of the first audio track, as `audio-caps` gave them
 *
 * What the stream was last time, for a channel that has had no producer in this process yet: viewers can negotiate before the
 * first one is there. Does nothing about a track that the channel knows already.
 */
__attribute__((visibility("default"))) void sluice_channel_remember(SluiceChannel* channel, const GstCaps* video,
                                                                    const GstCaps* audio);

/* Properties (all readable, notified only where said):
 *   name              string
 *   producer-present  boolean, notified: a generation is open and has tracks
 *   caps              GstCaps of the video track, remembered after the producer has gone; NULL before the first
 *   audio-caps        the same of the first audio track
 *   readers           uint: consumers attached now
 *   wanted            boolean: what the signal demand told last, for those who listen from now on
 *   last-resort       boolean, read/write: viewers get this channel only if they can play no other one of the same camera, or ask
 *                     for it by name
 *   max-gop-bytes, max-gop-buffers, max-gop-time: read/write, the bounds above
 *   stats             GstStructure "sluice-channel-stats", snake-free field names:
 *       generation u64, access-units u64, bytes u64 (written in all), key-units u64, cached-bytes u64, cached-units u64,
 *       cached-time u64 (ns), gop-complete boolean (a new reader can start now), overflows u64, skips u64 (readers moved to
 *       the newest key unit), time-clamped u64, time-jumps u64, stale-writes u64, reorder boolean, width u32, height u32,
 *       fps double, bitrate u64 (bit/s over the last seconds), last-unit-age u64 (ns, GST_CLOCK_TIME_NONE: none yet),
 *       start-points string ("key-units"; "recovery-points": those count as key units, too)
 * Signals (emitted with no lock held, from any thread):
 *   demand(boolean wanted)        somebody reads / nobody reads any more (after the grace time of 5 s)
 *   producer-changed(boolean present)
 */

G_END_DECLS
