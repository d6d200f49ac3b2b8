/* How well a column's name says that it is a field: a known name beats the same name behind its
 * thing's ("product_title"), and that beats a name which only holds it ("product_type_title"). */
#include <string.h>

#include "ingest/internal.h"

/* The names that say what a column is, best first, without case, '_', '-', '.' and spaces. Those
 * between '/' are equally good: where a file has two of them, it does not say which one it is. */
static const char *const known[TWI_ROLES] = {
    [TWI_ID] = "id itemid iid movieid/productid/trackid/songid/bookid/videoid/articleid/newsid/"
               "gameid/appid/recipeid/businessid/animeid/showid/filmid/parentasin asin sku isbn "
               "stockcode steamappid handle tconst imdbid malid item",
    [TWI_TITLE] = "title name movietitle itemtitle producttitle itemname productname primarytitle "
                  "booktitle trackname songname englishname",
    [TWI_TEXT] = "text description overview summary abstract plot synopsis body desc bodyhtml",
    [TWI_IMAGE] = "image imagepath imagefile imageurl imagesrc thumbnail",
    [TWI_AUDIO] = "audio audiopath audiofile audiourl",
    [TWI_USER] = "userid user uid customerid/custid/reviewerid/visitorid/memberid/buyerid/clientid/"
                 "profileid/accountid/steamid/userpseudoid username profilename customer "
                 "customeremail email reviewer sessionid usersession session",
    [TWI_ITEM] = "itemid item iid movieid/productid/trackid/songid/bookid/videoid/articleid/newsid/"
                 "gameid/appid/recipeid/businessid/animeid/showid/filmid/parentasin asin "
                 "sku/lineitemsku isbn stockcode contentid trackuri/spotifytrackuri adid "
                 "artistid/albumid product movie id",
    [TWI_TIME] =
        "timestamp timestampms timems unixtimestamp unixtime time ts datetime uts eventtimestamp "
        "eventtime date epoch eventdate createdat created createdtime createdon creationdate "
        "purchasedat purchasedate purchasetime orderdate ordertime orderedat invoicedate "
        "transactiondate unixreviewtime reviewtime reviewdate ratedat watchedat playedat "
        "listenedat viewedat clickedat visitedat endtime dateadded dateread "
        "timestamputc tdat submitted",
    [TWI_RATING] = "rating stars score overall ratingvalue userrating ratingscore",
    [TWI_A] = "a itema ida item1 id1 left first leftid ltableid",
    [TWI_B] = "b itemb idb item2 id2 right second rightid rtableid",
    [TWI_LABEL] = "label score similar similarity match",
    [TWI_ANCHOR] = "anchor anchorid a query",
    [TWI_POSITIVE] = "positive positiveid pos p",
    [TWI_NEGATIVE] = "negative negativeid neg n",
};

/* Times that are not when somebody consumed something, and durations. */
static const char other_times[] =
    "release birth expir publi regist signup join due ship deliver modif updat delet play total "
    "spent life run dwell duration read watch listen response view screen lead delivery ";

static const char things[] = "item product movie book song track video game article news recipe "
                             "film show anime app user customer review event order purchase ";

/* What an id is of that is no item. */
static const char others[] =
    "user customer visitor session member reviewer buyer client event review order transaction "
    "invoice category parent brand store seller shop contributor author owner row log request "
    "rating comment country language ";

#define PLAIN_MAX 64

/* Without case, separators and brackets; false: longer than any known name. */
static bool make_plain(const char *name, char plain[PLAIN_MAX])
{
    size_t n = 0;
    for (; *name != '\0'; name++) {
        if (strchr("_-. ()", *name) != NULL)
            continue;
        if (n + 1 == PLAIN_MAX)
            return false;
        plain[n++] = (char) (*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
    }
    plain[n] = '\0';
    return n > 0;
}

/* The rank of a name in a list, from 1; 0: it is not in it. */
static int rank_in(const char *list, const char *plain)
{
    const size_t n = strlen(plain);
    for (int rank = 1; *list != '\0';) {
        const size_t len = strcspn(list, " /");
        if (len == n && memcmp(list, plain, n) == 0)
            return rank;
        list += len;
        rank += *list == ' ';
        list += *list != '\0';
    }
    return 0;
}

/* The name behind the thing that it begins with; NULL: it begins with none. */
static const char *behind(const char *list, const char *plain)
{
    while (*list != '\0') {
        const size_t len = strcspn(list, " ");
        if (strncmp(plain, list, len) == 0)
            return plain + len;
        list += len + 1;
    }
    return NULL;
}

static bool ends(const char *s, const char *with)
{
    const size_t n = strlen(s), m = strlen(with);
    return n >= m && strcmp(s + n - m, with) == 0;
}

/* "recipe_id", "RecipeID", "recipeId", and no word that happens to end so. */
static bool is_id(const char *name, const char *plain)
{
    const size_t n = strlen(name);
    if (n < 3 || !ends(plain, "id") || behind(others, plain) != NULL)
        return false;
    return name[n - 2] == 'I' || (n > 3 && strchr("_-. ", name[n - 3]) != NULL);
}

static bool is_time(const char *name, const char *plain)
{
    const size_t n = strlen(name);
    const bool at =
        n > 3 && ends(plain, "at") && (name[n - 2] == 'A' || strchr("_-. ", name[n - 3]) != NULL);
    if (strstr(plain, "timestamp") != NULL || strstr(plain, "datetime") != NULL)
        return true;
    return behind(other_times, plain) == NULL && (at || ends(plain, "date") || ends(plain, "time"));
}

static int guess(twi_role role, const char *name, const char *plain)
{
    switch (role) {
    case TWI_TITLE: return ends(plain, "title") ? 2 : strstr(plain, "title") != NULL;
    case TWI_ID:
    case TWI_ITEM: return is_id(name, plain);
    case TWI_TIME: return is_time(name, plain);
    default: return 0;
    }
}

int twi_name_score(twi_role role, const char *name)
{
    char plain[PLAIN_MAX];
    if (!make_plain(name, plain))
        return 0;
    int rank = rank_in(known[role], plain);
    if (rank > 0)
        return TWI_SCORE_KNOWN - rank;
    const char *rest = behind(things, plain);
    const bool prefixed = role == TWI_TITLE || role == TWI_TEXT || role == TWI_IMAGE ||
                          role == TWI_AUDIO || role == TWI_TIME || role == TWI_RATING;
    rank = rest != NULL && prefixed ? rank_in(known[role], rest) : 0;
    return rank > 0 ? TWI_SCORE_PREFIXED - rank : guess(role, name, plain);
}
