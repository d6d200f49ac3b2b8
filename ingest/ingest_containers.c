/* Files that hold rows, but not as text, by their first bytes. */
#include <string.h>

#include "ingest/ingest_unpack.h"

#define PANDAS(read)                                                                               \
    "python3 -c \"import pandas; pandas." read "('FILE').to_csv('FILE.csv', index=False)\""
#define OFFICE "save it as CSV, or: libreoffice --headless --convert-to csv FILE"

static const struct {
    twi_container is;
    const char *magic;
    size_t offset, len;
} known[] = {
    {{"Parquet", PANDAS("read_parquet")}, "PAR1", 0, 4},
    {{"a spreadsheet (ODF)", OFFICE}, "mimetypeapplication/vnd.oasis", 30, 29},
    {{"a spreadsheet (XLSX)", OFFICE}, "[Content_Types].xml", 30, 19},
    {{"a spreadsheet (XLSX)", OFFICE}, "_rels/", 30, 6},
    {{"a spreadsheet (XLSX)", OFFICE}, "xl/", 30, 3},
    {{"a zip archive", "unzip -p FILE NAME > NAME"}, "PK\3\4", 0, 4},
    {{"an empty zip archive", "unzip -l FILE"}, "PK\5\6", 0, 4},
    {{"a spreadsheet (XLS)", OFFICE}, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, 8},
    {{"packed with bzip2", "bunzip2 -k FILE"}, "BZh", 0, 3},
    {{"packed with lz4", "lz4 -d FILE"}, "\x04\x22\x4d\x18", 0, 4},
    {{"packed with compress", "gunzip FILE"}, "\x1f\x9d", 0, 2},
    {{"a 7z archive", "7z x FILE"}, "7z\xbc\xaf\x27\x1c", 0, 6},
    {{"a RAR archive", "unrar x FILE"}, "Rar!\x1a\x07", 0, 6},
    {{"a tar archive", "tar xf FILE"}, "ustar", 257, 5},
    {{"Arrow (Feather)", PANDAS("read_feather")}, "ARROW1", 0, 6},
    {{"ORC", PANDAS("read_orc")}, "ORC", 0, 3},
    {{"Avro", "avro cat FILE > FILE.jsonl"}, "Obj\1", 0, 4},
    {{"an SQLite database", "sqlite3 -header -csv FILE 'SELECT * FROM TABLE' > FILE.csv"},
     "SQLite format 3",
     0,
     16},
    {{"a NumPy array",
      "python3 -c \"import numpy; numpy.savetxt('FILE.csv', numpy.load('FILE'), delimiter=',')\""},
     "\x93NUMPY",
     0,
     6},
    {{"HDF5", PANDAS("read_hdf")}, "\x89HDF\r\n\x1a\n", 0, 8},
    {{"a pickle of Python", PANDAS("read_pickle")}, "\x80\2", 0, 2},
    {{"a pickle of Python", PANDAS("read_pickle")}, "\x80\3", 0, 2},
    {{"a pickle of Python", PANDAS("read_pickle")}, "\x80\4\x95", 0, 3},
    {{"a pickle of Python", PANDAS("read_pickle")}, "\x80\5\x95", 0, 3},
    {{"data of R", "Rscript -e \"write.csv(readRDS('FILE'), 'FILE.csv', row.names=FALSE)\""},
     "RDX",
     0,
     3},
    {{"a PDF", "ask for the data as CSV"}, "%PDF-", 0, 5},
};

const twi_container *twi_container_of(const unsigned char *head, size_t n)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const size_t end = known[i].offset + known[i].len;
        if (n >= end && memcmp(head + known[i].offset, known[i].magic, known[i].len) == 0 &&
            (known[i].offset != 30 || memcmp(head, "PK\3\4", 4) == 0))
            return &known[i].is;
    }
    return NULL;
}
