/* Audio that nothing here reads, by its first bytes. */
#include <string.h>

#include "ingest/media/audio_internal.h"

static const struct {
    const char *name, *magic;
    size_t offset, len;
    bool sound; /* and no picture to it */
} known[] = {
    {"M4A (AAC or ALAC in MP4)", "ftypM4A", 4, 7, true},
    {"3GP", "ftyp3g", 4, 6, false},
    {"MP4 or MOV", "ftyp", 4, 4, false},
    {"WMA or WMV", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, 8, true},
    {"AMR", "#!AMR", 0, 5, true},
    {"Matroska or WebM", "\x1a\x45\xdf\xa3", 0, 4, false},
    {"AVI", "AVI ", 8, 4, false},
    {"Monkey's Audio", "MAC ", 0, 4, true},
    {"WavPack", "wvpk", 0, 4, true},
    {"Musepack", "MPCK", 0, 4, true},
    {"Musepack", "MP+", 0, 3, true},
    {"True Audio", "TTA1", 0, 4, true},
    {"DSF", "DSD ", 0, 4, true},
    {"DSDIFF", "FRM8", 0, 4, true},
    {"AAC (ADIF)", "ADIF", 0, 4, true},
    {"RealAudio", ".RMF", 0, 4, true},
    {"RealAudio", ".ra\xfd", 0, 4, true},
    {"Flash video", "FLV\1", 0, 4, false},
    {"MIDI, notes and no samples", "MThd", 0, 4, false},
    {"a playlist", "#EXTM3U", 0, 7, false},
};

/* Its line of the table; how many there are where it has none. */
static size_t find(const unsigned char *head, size_t n)
{
    size_t i = 0;
    for (; i < sizeof known / sizeof known[0]; i++) {
        if (n >= known[i].offset + known[i].len &&
            memcmp(head + known[i].offset, known[i].magic, known[i].len) == 0)
            break;
    }
    return i;
}

const char *twi_audio_kind(const unsigned char *head, size_t n)
{
    const size_t i = find(head, n);
    return i < sizeof known / sizeof known[0] ? known[i].name : NULL;
}

bool twi_audio_named(const unsigned char *head, size_t n)
{
    const size_t i = find(head, n);
    return i < sizeof known / sizeof known[0] && known[i].sound;
}
