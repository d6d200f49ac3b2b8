/* Numbers as tables write them. */
#include <string.h>

#include "base/text.h"
#include "ingest/table/ingest_values.h"

static size_t digits(const char *s) { return strspn(s, "0123456789"); }

bool twi_is_json_number(const char *s)
{
    double value;
    const char *p = s + (*s == '-');
    size_t whole = digits(p);
    if (whole == 0 || (whole > 1 && *p == '0'))
        return false;
    p += whole;
    if (*p == '\0')
        return whole <= 15;
    if (*p == '.') {
        size_t n = digits(p + 1);
        if (n == 0)
            return false;
        p += n + 1;
    }
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '+' || p[1] == '-');
        if (digits(p) == 0)
            return false;
        p += digits(p);
    }
    return *p == '\0' && tw_parse_f64(s, &value);
}

bool twi_number_text(twi_number_style style, const char *s, char out[TWI_NUMBER_MAX])
{
    const char group = style == TWI_NUMBER_COMMA ? '.' : ',';
    const char *decimal = style == TWI_NUMBER_COMMA ? strchr(s, ',') : strchr(s, '.');
    size_t n = 0;
    double value;

    for (const char *p = s; *p != '\0'; p++) {
        if (n + 1 == TWI_NUMBER_MAX)
            return false;
        const bool grouping = style != TWI_NUMBER_POINT && *p == group && p > s;
        if (grouping && (digits(p + 1) != 3 || (decimal != NULL && p > decimal)))
            return false;
        if (!grouping)
            out[n++] = style == TWI_NUMBER_COMMA && p == decimal ? '.' : *p;
    }
    out[n] = '\0';
    return n > 0 && strspn(out, "0123456789+-.eE") == n && tw_parse_f64(out, &value);
}
