/* The WordPiece tokenizer: what BERT's published one gives, by hand on a small vocabulary; the
 * whole vocabulary was compared with it on the STS benchmark and on every code point. */
#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"
#include "towers/text/text_wordpiece.h"

static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" /* 0 .. 4 */
    "cafe\ncr\n##eme\n-\n!\n"              /* 5 .. 9 */
    "un\n##aff\n##able\nunaff\n##a\n"      /* 10 .. 14 */
    "\xe4\xb8\xad\n\xe5\x9b\xbd\na\n#\n"   /* 15 .. 18: two Han characters */
    "\xe1\x84\x80\xe1\x85\xa1\n\xcf\x83\n\xd0\xb8\n[\nsep\n]\nb\n"; /* 19 ..*/

enum { UNK = 1, CLS = 2, SEP = 3, MOST = 64 };

typedef struct row {
    const char *rule, *text;
    size_t len; /* 0: strlen */
    int n;
    int32_t ids[12]; /* between [CLS] and [SEP] */
} row;

static const row rows[] = {
    {"nothing", "", 0, 0, {0}},
    {"white space only", " \t\r\n\xc2\xa0\xe3\x80\x80", 0, 0, {0}},
    {"case, accents, punctuation", "Caf\xc3\xa9-CR\xc3\x88ME!", 0, 5, {5, 8, 6, 7, 9}},
    {"an accent of its own", "cafe\xcc\x81", 0, 1, {5}},
    {"the longest piece first", "unaffable", 0, 2, {13, 12}},
    {"a word with a part that fits no piece is unknown", "unaffx cafe", 0, 2, {UNK, 5}},
    {"inner pieces do not begin a word", "eme", 0, 1, {UNK}},
    {"first pieces do not go on in a word", "cacafe", 0, 1, {UNK}},
    {"Han characters stand alone",
     "a\xe4\xb8\xad\xe5\x9b\xbd"
     "a",
     0,
     4,
     {17, 15, 16, 17}},
    {"Hangul is taken apart", "\xea\xb0\x80", 0, 1, {19}},
    {"Greek capital sigma", "\xce\xa3", 0, 1, {20}},
    {"Cyrillic short i loses its breve", "\xd0\x99", 0, 1, {21}},
    {"## in a text is two words", "##a", 0, 3, {18, 18, 17}},
    {"a mark in a text is none", "[SEP]", 0, 3, {22, 23, 24}},
    {"control characters are not there",
     "ca\x01\xc2\xad"
     "fe\x7f",
     0,
     1,
     {5}},
    {"zero bytes neither", "ca\0fe", 5, 1, {5}},
    {"nor what is no UTF-8",
     "ca\xff\xc3"
     "fe\x80",
     0,
     1,
     {5}},
    {"a folded character may be punctuation",
     "a\xcd\xbe"
     "a",
     0,
     3,
     {17, UNK, 17}}, /* Greek question mark: a semicolon, which is no piece here */
    {"a line's end parts words", "a\na", 0, 2, {17, 17}},
};

static twi_wordpiece *small_vocabulary(twi_cutting cut)
{
    twi_wordpiece *w = NULL;
    assert_ok(twi_wordpiece_parse(&w, vocab, sizeof vocab - 1, cut, err));
    return w;
}

static void a_text_is_cut_as_the_table_says(void **state)
{
    (void) state;
    twi_wordpiece *w = small_vocabulary(TWI_UNCASED);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const row *r = &rows[i];
        int32_t ids[MOST];
        int n = twi_wordpiece_encode(w, r->text, r->len > 0 ? r->len : strlen(r->text), MOST, ids);
        assert_int_equal(n, r->n + 2);
        assert_int_equal(ids[0], CLS);
        assert_int_equal(ids[n - 1], SEP);
        for (int k = 0; k < r->n; k++)
            assert_int_equal(ids[k + 1], r->ids[k]);
    }
    twi_wordpiece_destroy(w);
}

static void a_long_text_is_cut_off_before_its_end_mark(void **state)
{
    (void) state;
    twi_wordpiece *w = small_vocabulary(TWI_UNCASED);
    int32_t ids[4] = {-1, -1, -1, -1};
    assert_int_equal(twi_wordpiece_encode(w, "unaffable!", 10, 3, ids), 3);
    assert_int_equal(ids[1], 13); /* the word's second piece no longer fits */
    assert_int_equal(ids[2], SEP);
    assert_int_equal(ids[3], -1);
    assert_int_equal(twi_wordpiece_encode(w, "a", 1, 2, ids), 2);
    assert_int_equal(ids[1], SEP);
    /* That the word is unknown is seen behind the cut. */
    assert_int_equal(twi_wordpiece_encode(w, "unaffx", 6, 3, ids), 3);
    assert_int_equal(ids[1], UNK);
    twi_wordpiece_destroy(w);
}

static void a_word_of_over_a_hundred_characters_is_unknown(void **state)
{
    (void) state;
    twi_wordpiece *w = small_vocabulary(TWI_UNCASED);
    char text[101];
    int32_t ids[MOST * 4];
    memset(text, 'a', sizeof text);
    assert_int_equal(twi_wordpiece_encode(w, text, 100, MOST * 4, ids), 102);
    assert_int_equal(ids[100], 14);
    assert_int_equal(twi_wordpiece_encode(w, text, 101, MOST * 4, ids), 3);
    assert_int_equal(ids[1], UNK);
    twi_wordpiece_destroy(w);
}

static void a_cased_vocabulary_keeps_case_and_accents(void **state)
{
    (void) state;
    twi_wordpiece *w = small_vocabulary(TWI_CASED);
    int32_t ids[MOST];
    assert_false(twi_wordpiece_cutting(w).lower);
    assert_int_equal(twi_wordpiece_encode(w, "Cafe cafe caf\xc3\xa9", 15, MOST, ids), 5);
    assert_int_equal(ids[1], UNK);
    assert_int_equal(ids[2], 5);
    assert_int_equal(ids[3], UNK);
    twi_wordpiece_destroy(w);
}

static void a_stored_vocabulary_is_the_same(void **state)
{
    (void) state;
    twi_wordpiece *w = small_vocabulary(TWI_UNCASED), *again = NULL;
    size_t len, len_again;
    const char *text = twi_wordpiece_text(w, &len);
    assert_ok(twi_wordpiece_parse(&again, text, len, TWI_UNCASED, err));
    assert_int_equal(twi_wordpiece_size(again), twi_wordpiece_size(w));
    const char *text_again = twi_wordpiece_text(again, &len_again);
    assert_int_equal(len_again, len);
    assert_memory_equal(text_again, text, len);
    twi_wordpiece_destroy(again);
    twi_wordpiece_destroy(w);
}

#define PAD "[PAD]\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n"

static void a_bad_vocabulary_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {"", "[UNK]\n[CLS]\n[SEP]\n", PAD "[CLS]\n[SEP]\n",
                                      PAD "[UNK]\n[SEP]\n", PAD "[UNK]\n[CLS]\n"};
    twi_wordpiece *w = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_status(twi_wordpiece_parse(&w, bad[i], strlen(bad[i]), TWI_UNCASED, err),
                      TW_ECORRUPT);
        assert_null(w);
    }
    char line[600] = PAD "[UNK]\n[CLS]\n[SEP]\n";
    size_t len = strlen(line);
    assert_ok(twi_wordpiece_parse(&w, line, len, TWI_UNCASED, err));
    twi_wordpiece_destroy(w);
    memset(line + len, 'x', 403);
    assert_status(twi_wordpiece_parse(&w, line, len + 403, TWI_UNCASED, err), TW_ECORRUPT);
    assert_null(w);
}

/* A carriage return is no part of a piece, the last line may lack its end, an empty line holds its
 * id, and of equal lines the last counts. */
static void lines_may_be_untidy(void **state)
{
    (void) state;
    static const char text[] = PAD "[UNK]\r\n[CLS]\r\n[SEP]\r\n\r\n\ncafe\r\na\r\na";
    twi_wordpiece *w = NULL;
    int32_t ids[MOST];
    assert_ok(twi_wordpiece_parse(&w, text, sizeof text - 1, TWI_UNCASED, err));
    assert_int_equal(twi_wordpiece_size(w), 24);
    assert_int_equal(twi_wordpiece_encode(w, "cafe a", 6, MOST, ids), 4);
    assert_int_equal(ids[1], 21);
    assert_int_equal(ids[2], 23);
    twi_wordpiece_destroy(w);
}

/* ---- tokenizer.json -------------------------------------------------------------------------- */

#define NORM "\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true},"
#define FRAME                                                                                      \
    "\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"[CLS]\",1],"                       \
    "\"sep\":[\"[SEP]\",2]},"
#define SPLIT "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
#define WORDS                                                                                      \
    "\"vocab\":{\"[SEP]\":2,\"[CLS]\":1,\"[UNK]\":0,\"a\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,"      \
    "\"8\":8,\"9\":9,\"10\":10,\"11\":11,\"12\":12,\"13\":13,\"14\":14,\"##b\":15}"

static void a_tokenizer_file_gives_the_vocabulary(void **state)
{
    (void) state;
    static const char json[] = "{" NORM SPLIT FRAME "\"model\":{\"type\":\"WordPiece\"," WORDS "}}";
    twi_wordpiece *w = NULL;
    int32_t ids[MOST];
    assert_ok(twi_wordpiece_parse_json(&w, json, sizeof json - 1, NULL, err));
    assert_true(twi_wordpiece_cutting(w).lower);
    assert_int_equal(twi_wordpiece_encode(w, "AB", 2, MOST, ids), 4);
    assert_int_equal(ids[1], 3);
    assert_int_equal(ids[2], 15);
    twi_wordpiece_destroy(w);
}

#define MODEL "\"model\":{" WORDS "}}"
#define TEXT  "{\"Sequence\":{\"id\":\"A\"}}"
#define TEMPLATE(parts)                                                                            \
    "{" NORM SPLIT "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[" parts        \
    "]}," MODEL
#define CLS_PART     "{\"SpecialToken\":{\"id\":\"[CLS]\"}}"
#define SEP_PART     "{\"SpecialToken\":{\"id\":\"[SEP]\"}}"
#define LOWER_BUT    "{\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true,"
#define TOKENS(list) "{" NORM SPLIT FRAME "\"added_tokens\":[" list "]," MODEL

/* What the refusal has to name. */
static const struct {
    const char *json, *says;
} refused[] = {
    {"", "tokenizer.json"},
    {"[]", "model"},
    {"{}", "model"},
    {"{\"model\":3}", "model"},
    {"{" NORM SPLIT FRAME "\"model\":{\"type\":\"BPE\"," WORDS "}}", "'BPE'"},
    {"{" NORM SPLIT FRAME "\"model\":{\"type\":\"Unigram\"," WORDS "}}", "'Unigram'"},
    {"{" NORM SPLIT FRAME "\"model\":{\"unk_token\":\"<unk>\"," WORDS "}}", "'<unk>'"},
    {"{" NORM SPLIT FRAME "\"model\":{\"continuing_subword_prefix\":\"@@\"," WORDS "}}", "'@@'"},
    {"{" NORM SPLIT FRAME "\"model\":{\"max_input_chars_per_word\":200," WORDS "}}", "200"},
    {"{" SPLIT FRAME MODEL, "normalizer is 'none'"},
    {"{\"normalizer\":{\"type\":\"Sequence\"}," SPLIT FRAME MODEL, "'Sequence'"},
    {"{" NORM FRAME MODEL, "pre_tokenizer is 'none'"},
    {"{" NORM FRAME "\"pre_tokenizer\":{\"type\":\"Metaspace\"}," MODEL, "'Metaspace'"},
    {LOWER_BUT "\"clean_text\":false}," SPLIT FRAME MODEL, "clean_text"},
    {"{\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":false,\"strip_accents\":true}"
     "," SPLIT FRAME MODEL,
     "strip_accents"},
    {"{" NORM SPLIT MODEL, "post_processor is 'none'"},
    {"{" NORM SPLIT "\"post_processor\":null," MODEL, "post_processor is 'none'"},
    {"{" NORM SPLIT "\"post_processor\":{\"type\":\"RobertaProcessing\"}," MODEL,
     "'RobertaProcessing'"},
    {"{" NORM SPLIT "\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"<s>\",1],"
     "\"sep\":[\"[SEP]\",2]}," MODEL,
     "post_processor"},
    {"{" NORM SPLIT "\"post_processor\":{\"type\":\"BertProcessing\"}," MODEL, "post_processor"},
    {TEMPLATE(CLS_PART "," TEXT), "post_processor"},
    {TEMPLATE(TEXT "," SEP_PART), "post_processor"},
    {TEMPLATE(SEP_PART "," TEXT "," CLS_PART), "post_processor"},
    {TEMPLATE(CLS_PART "," TEXT "," SEP_PART "," SEP_PART), "post_processor"},
    {TEMPLATE(CLS_PART "," CLS_PART "," SEP_PART), "post_processor"},
    {"{" NORM SPLIT FRAME "\"model\":{\"vocab\":[]}}", "vocabulary"},
    {"{" NORM SPLIT FRAME "\"model\":{\"vocab\":{\"a\":1}}}", "vocabulary"},
    {"{" NORM SPLIT FRAME "\"model\":{\"vocab\":{\"a\":0,\"b\":0}}}", "vocabulary"},
    {"{" NORM SPLIT FRAME "\"model\":{\"vocab\":{\"a\\nb\":0}}}", "vocabulary"},
    {TOKENS("{\"id\":16,\"content\":\"foo\",\"single_word\":true}"), "'foo'"},
    {TOKENS("{\"id\":-1,\"content\":\"foo\"}"), "id"},
    {TOKENS("{\"id\":1000000,\"content\":\"foo\"}"), "id"},
    {TOKENS("{\"id\":16}"), "0 bytes"},
};

static void another_tokenizer_is_refused_by_name(void **state)
{
    (void) state;
    twi_wordpiece *w = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        tw_error why = {0};
        const char *json = refused[i].json;
        assert_int_equal(twi_wordpiece_parse_json(&w, json, strlen(json), NULL, &why), TW_ECORRUPT);
        assert_null(w);
        if (strstr(why.msg, refused[i].says) == NULL)
            fail_msg("'%s' does not say '%s'", why.msg, refused[i].says);
    }
    assert_ok(twi_wordpiece_parse_json(&w, TEMPLATE(CLS_PART "," TEXT "," SEP_PART),
                                       strlen(TEMPLATE(CLS_PART "," TEXT "," SEP_PART)), NULL,
                                       err));
    twi_wordpiece_destroy(w);
}

/* ---- added tokens ---------------------------------------------------------------------------- */

typedef struct cut_row {
    const char *rule, *text;
    int n;
    int32_t ids[8];
} cut_row;

/* Beside the vocabulary of 16: 16 <b>, 17 <b>> (raw), 18 Foo, 19 ca\xc3\xa9 (normalized), 20 [X].
 */
static const cut_row with_added[] = {
    {"in place of a word", "<b>", 1, {16}},
    {"inside a word", "a<b>a", 3, {3, 16, 3}},
    {"the longest", "<b>>", 1, {17}},
    {"a raw one as it is written", "<B>", 3, {0, 0, 0}},
    {"a normalized one in any case", "fOo", 1, {18}},
    {"with or without accents",
     "c\xc3\x81"
     "e",
     1,
     {19}},
    {"a control character within", "fo\x01o", 1, {18}},
    {"the raw before a normalized that begins earlier", "foo<b>", 2, {18, 16}},
    {"a special one that is no mark", "[X]a", 2, {20, 3}},
    {"a mark is text", "[SEP]", 3, {0, 0, 0}},
    {"the beginning of one is none", "<b fo", 3, {0, 0, 0}},
};

static void added_tokens_are_found_in_texts(void **state)
{
    static const char json[] = TOKENS(
        "{\"id\":2,\"content\":\"[SEP]\",\"special\":true},"
        "{\"id\":16,\"content\":\"<b>\"},{\"id\":17,\"content\":\"<b>>\",\"normalized\":false},"
        "{\"id\":18,\"content\":\"Foo\",\"normalized\":true},"
        "{\"id\":19,\"content\":\"ca\xc3\xa9\",\"normalized\":true},"
        "{\"id\":20,\"content\":\"[X]\",\"special\":true}");
    twi_wordpiece *w = NULL, *again = NULL;
    size_t len;
    (void) state;
    assert_ok(twi_wordpiece_parse_json(&w, json, sizeof json - 1, NULL, err));
    assert_int_equal(twi_wordpiece_size(w), 21);
    const char *text = twi_wordpiece_text(w, &len), *added = twi_wordpiece_added(w);
    assert_ok(twi_wordpiece_parse(&again, text, len, twi_wordpiece_cutting(w), err));
    assert_int_equal(twi_wordpiece_size(again), 16);
    assert_ok(twi_wordpiece_add(again, added, strlen(added), err));
    for (size_t i = 0; i < sizeof with_added / sizeof with_added[0]; i++) {
        const cut_row *r = &with_added[i];
        int32_t ids[MOST], same[MOST];
        const int n = twi_wordpiece_encode(w, r->text, strlen(r->text), MOST, ids);
        if (n != r->n + 2 || memcmp(ids + 1, r->ids, (size_t) r->n * sizeof *ids) != 0)
            fail_msg("%s: %d tokens of '%s', the first is %d", r->rule, n - 2, r->text, ids[1]);
        assert_int_equal(twi_wordpiece_encode(again, r->text, strlen(r->text), MOST, same), n);
        assert_memory_equal(ids, same, (size_t) n * sizeof *ids);
    }
    twi_wordpiece_destroy(w);
    twi_wordpiece_destroy(again);
}

/* ---- in other ways than the uncased models --------------------------------------------------- */

static const char other_vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\xc3\xa9\ne\n\xcf\x83\n"
                                  "i\xcc\x87\n\xe4\xb8\xad\xe5\x9b\xbd\n\xe4\xb8\xad\n"
                                  "\xe5\x9b\xbd\na\n##a\nb\nc\n";

static void cut_by(twi_cutting cut, const char *text, int n, int32_t first)
{
    twi_wordpiece *w = NULL;
    int32_t ids[MOST];
    assert_ok(twi_wordpiece_parse(&w, other_vocab, sizeof other_vocab - 1, cut, err));
    assert_int_equal(twi_wordpiece_encode(w, text, strlen(text), MOST, ids), n + 2);
    assert_int_equal(ids[1], first);
    twi_wordpiece_destroy(w);
}

static void lower_case_may_leave_accents_and_han_may_be_joined(void **state)
{
    const twi_cutting accents = {.lower = true, .accents = true};
    const twi_cutting joined = {.lower = true, .han_joined = true};
    (void) state;
    cut_by(TWI_UNCASED, "\xc3\x89", 1, 6); /* E acute is e */
    cut_by(accents, "\xc3\x89", 1, 5);     /* is e acute */
    cut_by(TWI_CASED, "\xc3\x89", 1, UNK);
    cut_by(accents, "\xce\xa3", 1, 7); /* Greek capital sigma */
    cut_by(accents, "\xc4\xb0", 1, 8); /* I with dot: i and a dot above */
    cut_by(accents, "A", 1, 12);
    cut_by(TWI_UNCASED, "\xe4\xb8\xad\xe5\x9b\xbd", 2, 10);
    cut_by(joined, "\xe4\xb8\xad\xe5\x9b\xbd", 1, 9);
}

/* ---- learning -------------------------------------------------------------------------------- */

static const char *const texts[] = {"low low low low low", "lower lower", "newest newest newest",
                                    "newest newest newest widest widest widest"};

static twi_wordpiece *learn(int size)
{
    size_t lens[4];
    twi_wordpiece *w = NULL;
    for (int i = 0; i < 4; i++)
        lens[i] = strlen(texts[i]);
    assert_ok(twi_wordpiece_learn(&w, texts, lens, 4, size, err));
    return w;
}

/* Five lows, two lowers, six newests, three widests. Letters by count, then by code point: ##e
 * 2+12+3 = 17, ##w 13, ##s and ##t 9, ##o and l 7 ... Pairs: (##e,##s) and (##s,##t) 9, the first
 * was met first; then (##es,##t) 9; (l,##o) 7, (lo,##w) 7; of those at 6 (n,##e) is older than
 * (##w,##est); and so on until no pair is met twice. */
static void the_most_frequent_pair_is_joined_first(void **state)
{
    (void) state;
    static const char want[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
                               "##e\n##w\n##s\n##t\nl\n##o\nn\n##d\n##i\nw\n##r\n"
                               "##es\n##est\nlo\nlow\nne\n##west\nnewest\nwi\n##dest\nwidest\n"
                               "##er\nlower\n";
    twi_wordpiece *w = learn(32);
    size_t len;
    const char *text = twi_wordpiece_text(w, &len);
    assert_int_equal(len, sizeof want - 1);
    assert_memory_equal(text, want, len);
    int32_t ids[MOST];
    assert_int_equal(twi_wordpiece_encode(w, "newest lower", 12, MOST, ids), 4);
    assert_int_equal(ids[1], 22);
    assert_int_equal(ids[2], 27);
    twi_wordpiece_destroy(w);
}

/* Half of 20 are 5 marks and 5 letters; the words break where a letter was left out. */
static void letters_take_at_most_half(void **state)
{
    (void) state;
    twi_wordpiece *w = learn(20);
    size_t len;
    int32_t ids[MOST];
    const char *text = twi_wordpiece_text(w, &len);
    assert_null(strstr(text, "##o"));
    assert_non_null(strstr(text, "\nl\n"));
    assert_non_null(strstr(text, "\n##ewest\n"));
    assert_int_equal(twi_wordpiece_encode(w, "low", 3, MOST, ids), 3);
    assert_int_equal(ids[1], UNK);
    twi_wordpiece_destroy(w);
}

static void what_is_learnt_does_not_change(void **state)
{
    (void) state;
    size_t a_len, b_len;
    twi_wordpiece *a = learn(32), *b = learn(32);
    const char *a_text = twi_wordpiece_text(a, &a_len), *b_text = twi_wordpiece_text(b, &b_len);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a_text, b_text, a_len);
    twi_wordpiece_destroy(a);
    twi_wordpiece_destroy(b);
}

/* A vocabulary learnt from nothing is the marks alone, and everything is unknown. */
static void nothing_can_be_learnt_from(void **state)
{
    (void) state;
    twi_wordpiece *w = NULL;
    int32_t ids[MOST];
    assert_ok(twi_wordpiece_learn(&w, NULL, NULL, 0, 100, err));
    assert_int_equal(twi_wordpiece_size(w), TWI_PIECES_MIN);
    assert_int_equal(twi_wordpiece_encode(w, "word", 4, MOST, ids), 3);
    assert_int_equal(ids[1], UNK);
    twi_wordpiece_destroy(w);
    assert_status(twi_wordpiece_learn(&w, NULL, NULL, 0, TWI_LEARN_MAX + 1, err), TW_EINVAL);
    assert_status(twi_wordpiece_learn(&w, NULL, NULL, 0, TWI_PIECES_MIN - 1, err), TW_EINVAL);
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_cut_as_the_table_says),
        cmocka_unit_test(a_long_text_is_cut_off_before_its_end_mark),
        cmocka_unit_test(a_word_of_over_a_hundred_characters_is_unknown),
        cmocka_unit_test(a_cased_vocabulary_keeps_case_and_accents),
        cmocka_unit_test(a_stored_vocabulary_is_the_same),
        cmocka_unit_test(a_bad_vocabulary_is_refused),
        cmocka_unit_test(lines_may_be_untidy),
        cmocka_unit_test(a_tokenizer_file_gives_the_vocabulary),
        cmocka_unit_test(another_tokenizer_is_refused_by_name),
        cmocka_unit_test(added_tokens_are_found_in_texts),
        cmocka_unit_test(lower_case_may_leave_accents_and_han_may_be_joined),
        cmocka_unit_test(the_most_frequent_pair_is_joined_first),
        cmocka_unit_test(letters_take_at_most_half),
        cmocka_unit_test(what_is_learnt_does_not_change),
        cmocka_unit_test(nothing_can_be_learnt_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
