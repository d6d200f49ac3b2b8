/* Which column is what: the names of real exports, and what becomes of those that leave it open. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ingest/internal.h"
#include "tests/support/test.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* The line that a load would print for a file, or "? " and why it is refused. */
static const char *line_of(const char *name, const char *content, tw_ingest_kind kind,
                           const tw_reader_options *opt)
{
    static char out[2200];
    tw_reader *r;
    tw_error why = {0};
    const char *path = tw_test_path(name);
    assert_ok(tw_file_replace(path, content, strlen(content), err));
    if (tw_reader_open(&r, path, kind, opt, &why) != TW_OK) {
        (void) snprintf(out, sizeof out, "? %s", why.msg);
        return out;
    }
    (void) snprintf(out, sizeof out, "%s", tw_reader_describe(r));
    tw_reader_close(r);
    return out;
}

typedef struct line_case {
    const char *content, *line; /* the line, or a part of the refusal */
} line_case;

static void check(const char *name, tw_ingest_kind kind, const tw_reader_options *opt,
                  const line_case *one)
{
    const char *got = line_of(name, one->content, kind, opt);
    if (got[0] == '?' ? strstr(got, one->line) == NULL : strcmp(got, one->line) != 0)
        fail_msg("%s--- expected\n%s\n--- got\n%s", one->content, one->line, got);
}

static void logs_of_many_makers_are_understood(void **state)
{
    (void) state;
    static const line_case cases[] = {
        {"id,user_id,video_id,created_at\n1,2,3,2024-01-01\n",
         "columns: user=user_id item=video_id time=created_at (dates) rating=-"},
        {"timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n",
         "columns: user=visitorid item=itemid time=timestamp (milliseconds) rating=-"},
        {"userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
         "columns: user=userId item=movieId time=timestamp (seconds) rating=rating"},
        {"rating,title,asin,parent_asin,user_id,timestamp\n5,x,B1,B2,u,1588687728923\n",
         "columns: user=user_id item=parent_asin time=timestamp (milliseconds) rating=rating"},
        {"overall,reviewTime,reviewerID,asin,unixReviewTime\n5,\"09 13, 2009\",u,i,1252800000\n",
         "columns: user=reviewerID item=asin time=unixReviewTime (seconds) rating=overall"},
        {"InvoiceNo,StockCode,Description,InvoiceDate,CustomerID\n5,8,x,12/1/2010 8:26,1\n"
         "6,8,x,12/13/2010 8:26,1\n",
         "columns: user=CustomerID item=StockCode time=InvoiceDate (month-first) rating=-"},
        {"event_time,event_type,product_id,category_id,price,user_id,user_session\n"
         "2019-10-01 00:00:00 UTC,view,4,2,3.5,5,ab\n",
         "columns: user=user_id item=product_id time=event_time (dates) rating=-"},
        {"review_id,user_id,business_id,stars,date\na,b,c,5,2018-07-07 22:09:11\n",
         "columns: user=user_id item=business_id time=date (dates) rating=stars"},
        {"user_id,recipe_id,date,rating,review\n1,2,2003-02-17,4,x\n",
         "columns: user=user_id item=recipe_id time=date (dates) rating=rating"},
        {"User-ID,ISBN,Book-Rating\n1,2,3\n",
         "columns: user=User-ID item=ISBN time=- rating=Book-Rating"},
        {"t_dat,customer_id,article_id,price\n2018-09-20,c,a,0.05\n",
         "columns: user=customer_id item=article_id time=t_dat (dates) rating=-"},
        {"sessionId;userId;itemId;timeframe;eventdate\n1;2;3;526309;2016-05-09\n",
         "columns: user=userId item=itemId time=eventdate (dates) rating=-"},
        {"Email,Created at,Lineitem sku,Lineitem name,Id\na@b.c,2023-01-05 10:03:00 -0500,s,n,9\n",
         "columns: user=Email item=Lineitem sku time=Created at (dates) rating=-"},
        {"order_id,customer_id,sku,order_date\n1,c,s,2024-02-03\n",
         "columns: user=customer_id item=sku time=order_date (dates) rating=-"},
        {"user,song_id,purchased_at\nu,s,2024-02-03\n",
         "columns: user=user item=song_id time=purchased_at (dates) rating=-"},
        {"user,item,unix_timestamp\nu,s,1588687728\n",
         "columns: user=user item=item time=unix_timestamp (seconds) rating=-"},
        {"ts,username,spotify_track_uri\n2013-10-09T20:24:30Z,u,spotify:track:1\n",
         "columns: user=username item=spotify_track_uri time=ts (dates) rating=-"},
        {"user,track_id,utc_time\nu,s,2024-02-03 10:00\n",
         "columns: user=user item=track_id time=utc_time (dates) (guessed) rating=-"},
        {"user_id,video_id,play_duration,time,date,timestamp\n1,2,3,2020-07-05 00:08:23.438,"
         "20200705,1593878903.438\n",
         "columns: user=user_id item=video_id time=timestamp (seconds) rating=-"},
        {"user_id,video_id,date,hourmin,time_ms,is_click\n0,7,20220421,700,1650503096391,1\n",
         "columns: user=user_id item=video_id time=time_ms (milliseconds) rating=-"},
        {"1,2014-04-07T10:51:09.277Z,214536502,0\n", "then name its columns with --header"},
        /* the date in one column, the hours in another; a time that is none */
        {"date,time,user,item\n31.12.2024,21:30:00,u,i\n1.1.2025,0:05,u,i\n",
         "columns: user=user item=item time=date+time (dates) rating=-"},
        {"user,item,time,created_at\nu,i,morning,2024-01-01\nu,i,evening,2024-01-02\n",
         "columns: user=user item=item time=created_at (dates) rating=-"},
        {"user,item,time,created_at\nu,i,morning,soon\n",
         "columns: user=user item=item time=time (numbers) rating=-"},
        /* names that only look like times */
        {"steamid,appid,playtime_forever,playtime\n7,8,9,1\n",
         "columns: user=steamid item=appid time=- rating=-"},
        {"user,item,release_date\n7,8,2024-01-01\n",
         "columns: user=user item=item time=- rating=-"},
        {"user,item,response_time\n7,8,9\n", "columns: user=user item=item time=- rating=-"},
        {"user,item,bed_time\n7,8,9\n", "columns: user=user item=item time=- rating=-"},
        /* and those that leave it open */
        {"user_id,song_id,video_id\n1,2,3\n",
         "has two columns that could be the item, 'song_id' and 'video_id'; say --columns "
         "item=song_id or item=video_id"},
        {"user,item,started_at,ended_at\n1,2,2024-01-01,2024-01-02\n",
         "could be the time, 'started_at' and 'ended_at'; say --columns time=started_at"},
        {"customer_id,member_id,item\n1,2,3\n", "could be the user, 'customer_id' and 'member_id'"},
        {"1,2,3,4\n5,6,7,8\n", "is the header line missing? then name its columns with --header"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check("log.csv", TW_INGEST_EVENTS, NULL, &cases[i]);
}

static void catalogues_are_understood(void **state)
{
    (void) state;
    static const line_case cases[] = {
        {"product_type_title,product_title,asin\na,b,c\n",
         "columns: id=asin title=product_title text=- image=- audio=- "
         "attributes=product_type_title"},
        {"movieId,imdbId,title,genres\n1,2,a,b\n", "columns: id=movieId title=title text=- image=- "
                                                   "audio=- attributes=imdbId:number,genres:list"},
        {"tconst,primaryTitle,originalTitle,startYear\nt,a,b,1\n",
         "columns: id=tconst title=primaryTitle text=- image=- audio=- "
         "attributes=originalTitle,startYear:number"},
        {"recipeID,foo_title\n1,a\n",
         "columns: id=recipeID title=foo_title (guessed) text=- image=- audio=- attributes=-"},
        {"poem_id,title\n1,a\n",
         "columns: id=poem_id (guessed) title=title text=- image=- audio=- attributes=-"},
        {"book_id,author_id,title\n1,2,a\n",
         "columns: id=book_id title=title text=- image=- audio=- attributes=author_id:number"},
        {"user_id,movie_id\n1,2\n", "these are events, not items"},
        {"song_id,video_id,title\n1,2,a\n", "could be the id, 'song_id' and 'video_id'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check("items.csv", TW_INGEST_ITEMS, NULL, &cases[i]);
}

static void numbers_without_a_header_are_taken_in_order_or_refused(void **state)
{
    (void) state;
    static const line_case cases[] = {
        {"196\t242\t3\t881250949\n", "columns: user=#1 item=#2 time=#4 (seconds) rating=#3"},
        {"196\t242\t3\t17\n", "columns: user=#1 item=#2 time=#4 (numbers) rating=#3"},
        {"881250949\t196\t242\t3\n",
         "but the time '3' is a small number, and '881250949' in column 1 could be one; name them "
         "as they stand with --header, as in --header time,user,item,rating"},
        {"196\t881250949\t242\t3\n", "in column 2 could be one"},
        {"196\t242\t881250949\t3\n", "--header user,item,time,rating"},
        {"1\t5\t242\t881250949\n1\t4\t1242\t881250949\n1\t5\t245\t881250949\n1\t5\t244\t881250949\n"
         "1\t5\t242\t881250949\n1\t4\t1243\t881250949\n1\t5\t245\t881250949\n1\t5\t244\t881250949\n"
         "1\t5\t242\t881250949\n1\t4\t1243\t881250949\n",
         "but the ratings go to 1243, and no item is above 5"},
    };
    static const tw_reader_options named = {.header = "time,user,item,rating"};
    static const tw_reader_options short_one = {.header = "time,user,item"};
    static const line_case in_order = {"881250949\t196\t242\t3\n",
                                       "columns: user=user item=item time=time (seconds) "
                                       "rating=rating"};
    static const line_case three = {"881250949\t196\t242\t3\n",
                                    "the header names 3 columns, and u.data has 4"};
    static const line_case colons = {"881250949::196::242::3\n", "--header time,user,item,rating"};
    static const line_case colons_named = {"881250949::196::242::3\n",
                                           "columns: user=user item=item time=time (seconds) "
                                           "rating=rating"};
    for (size_t i = 0; i < COUNT(cases); i++)
        check("numbers", TW_INGEST_EVENTS, NULL, &cases[i]);
    check("numbers", TW_INGEST_EVENTS, &named, &in_order);
    check("numbers", TW_INGEST_EVENTS, &short_one, &three);
    check("ratings.dat", TW_INGEST_EVENTS, NULL, &colons);
    check("ratings.dat", TW_INGEST_EVENTS, &named, &colons_named);
}

static void a_field_that_is_none_is_switched_off(void **state)
{
    (void) state;
    static const tw_column_map none[] = {{"time", ""}, {"item", "movie"}};
    static const tw_reader_options opt = {.columns = none, .n_columns = 2};
    static const line_case one = {"user,item,movie,date\n1,2,3,2024-01-01\n",
                                  "columns: user=user item=movie time=- rating=-"};
    check("log.csv", TW_INGEST_EVENTS, &opt, &one);
}

static void json_is_understood_by_its_first_rows(void **state)
{
    (void) state;
    static const line_case cases[] = {
        {"{\"user_id\":\"u\",\"book_id\":\"b\",\"review_id\":\"r\",\"rating\":3,"
         "\"date_added\":\"Fri Mar 29 00:19:09 -0700 2013\",\"read_at\":\"\"}\n",
         "columns: user=user_id item=book_id time=date_added (dates) rating=rating"},
        {"{\"user\":1,\"item\":2}\n{\"user\":1,\"item\":2,\"rating\":3}\n",
         "columns: user=user item=item time=- rating=rating"},
        {"{\"user\":1,\"item\":2,\"bed_time\":7}\n",
         "columns: user=user item=item time=- rating=-"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check("log.jsonl", TW_INGEST_EVENTS, NULL, &cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_of_many_makers_are_understood),
        cmocka_unit_test(catalogues_are_understood),
        cmocka_unit_test(numbers_without_a_header_are_taken_in_order_or_refused),
        cmocka_unit_test(a_field_that_is_none_is_switched_off),
        cmocka_unit_test(json_is_understood_by_its_first_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
