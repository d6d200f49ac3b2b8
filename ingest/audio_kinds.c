/* Audio that nothing here reads, by its first bytes. */
#include <string.h>

#include "ingest/audio_internal.h"

static const struct {
    const char *name, *magic;
    size_t offset, len;
} known[] = {
    {"M4A (AAC or ALAC in MP4)", "ftypM4A", 4, 7},
    {"3GP", "ftyp3g", 4, 6},
    {"MP4 or MOV", "ftyp", 4, 4},
    {"WMA or WMV", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, 8},
    {"AMR", "#!AMR", 0, 5},
    {"Matroska or WebM", "\x1a\x45\xdf\xa3", 0, 4},
    {"AVI", "AVI ", 8, 4},
    {"Monkey's Audio", "MAC ", 0, 4},
    {"WavPack", "wvpk", 0, 4},
    {"Musepack", "MPCK", 0, 4},
    {"Musepack", "MP+", 0, 3},
    {"True Audio", "TTA1", 0, 4},
    {"DSF", "DSD ", 0, 4},
    {"DSDIFF", "FRM8", 0, 4},
    {"AAC (ADIF)", "ADIF", 0, 4},
    {"RealAudio", ".RMF", 0, 4},
    {"RealAudio", ".ra\xfd", 0, 4},
    {"Flash video", "FLV\1", 0, 4},
    {"MIDI, notes and no samples", "MThd", 0, 4},
    {"a playlist", "#EXTM3U", 0, 7},
};

const char *twi_audio_kind(const unsigned char *head, size_t n)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (n >= known[i].offset + known[i].len &&
            memcmp(head + known[i].offset, known[i].magic, known[i].len) == 0)
            return known[i].name;
    }
    return NULL;
}
