// Measures one by one what the way of an event to its webhook is made of, each part by itself, with nothing else to do:
//
//     parts POSTGRES_URL REDIS_PORT RECEIVER_URL BODY_FILE GATEWAY_URL KEY EVENT_FILE ROUNDS PAUSE_MS
//
//     insert    commit of one inserted row of the body's length, in the table bench_parts
//     notify    NOTIFY in one session, to its arrival in another one that waited
//     redis     LPUSH on one connection, to the return of the BRPOP that waited on another one
//     update    commit of one updated row of that table
//     post      one POST of the body by libcurl, on a connection that stands, to its answer
//     gateway   the same of the event to the gateway
//
// Each round does each of them once, after a pause, because what waits for an event has been idle too. Prints a line of
// JSON: the median of each in microseconds.
#include <curl/curl.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { PARTS = 6, ROUNDS = 100000 };

static const char *names[PARTS] = {"insert", "notify", "redis", "update", "post", "gateway"};
static double taken[PARTS][ROUNDS];
static const char *postgres_url;
static int redis_port;
// Of the session or the connection that waits: when something came, and that it came.
static double arrived;
static sem_t arrival;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "parts: %s: %s\n", what, why);
    exit(1);
}

static void note_arrival(void) {
    arrived = now();
    sem_post(&arrival);
}

static double wait_for_arrival(double start) {
    sem_wait(&arrival);
    return arrived - start;
}

static PGconn *open_session(void) {
    PGconn *session = PQconnectdb(postgres_url);
    if (PQstatus(session) != CONNECTION_OK) fail("PostgreSQL", PQerrorMessage(session));
    return session;
}

static void check(PGconn *session, PGresult *result) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail("PostgreSQL", PQerrorMessage(session));
    PQclear(result);
}

static redisContext *open_redis(void) {
    redisContext *redis = redisConnect("127.0.0.1", redis_port);
    if (!redis || redis->err) fail("Redis", redis ? redis->errstr : "no memory");
    return redis;
}

static void *listen_to_postgres(void *context) {
    PGconn *session = context;
    for (;;) {
        struct pollfd socket = {.fd = PQsocket(session), .events = POLLIN};
        poll(&socket, 1, -1);
        if (!PQconsumeInput(session)) fail("LISTEN", PQerrorMessage(session));
        for (PGnotify *notice; (notice = PQnotifies(session)); PQfreemem(notice)) note_arrival();
    }
    return NULL;
}

static void *pop_from_redis(void *context) {
    for (;;) {
        redisReply *reply = redisCommand(context, "BRPOP bench:parts 0");
        if (!reply || reply->type != REDIS_REPLY_ARRAY) fail("BRPOP", "no array");
        note_arrival();
        freeReplyObject(reply);
    }
    return NULL;
}

static void start(void *(*body)(void *), void *context) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, context)) fail("thread", "could not be started");
}

static char *read_file(const char *path) {
    static char bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) fail(path, "cannot be read");
    size_t length = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    bytes[length] = 0;
    return strdup(bytes);
}

static size_t ignore(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes, (void)context;
    return size * count;
}

static CURL *prepare_post(const char *url, const char *body, const char *key) {
    static char authorization[1024];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", key ? key : "");
    if (key) headers = curl_slist_append(headers, authorization);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    return easy;
}

static void post(CURL *easy) {
    long status = 0;
    CURLcode code = curl_easy_perform(easy);
    if (code != CURLE_OK) fail("post", curl_easy_strerror(code));
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 != 2) fail("post", "was not answered with 2xx");
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

int main(int count, char **arguments) {
    if (count != 10) fail("usage", "parts POSTGRES_URL REDIS_PORT RECEIVER_URL BODY_FILE GATEWAY_URL KEY EVENT_FILE "
                                   "ROUNDS PAUSE_MS");
    postgres_url = arguments[1];
    redis_port = atoi(arguments[2]);
    char *body = read_file(arguments[4]), *event = read_file(arguments[7]);
    int rounds = atoi(arguments[8]);
    if (rounds < 1 || rounds > ROUNDS) fail("usage", "too many rounds");
    long pause = atol(arguments[9]) * 1000000;
    struct timespec before_each = {.tv_sec = pause / 1000000000, .tv_nsec = pause % 1000000000};
    prctl(PR_SET_TIMERSLACK, 1);
    sem_init(&arrival, 0, 0);

    PGconn *session = open_session(), *listener = open_session();
    PGresult *prepared = PQprepare(session, "insert", "INSERT INTO bench_parts (id, data) VALUES ($1, $2)", 2, NULL);
    check(session, prepared);
    prepared = PQprepare(
        session, "update",
        "UPDATE bench_parts SET status = 'running', attempt = attempt + 1, lease_until = now() + interval '30 s'"
        " WHERE id = $1",
        1, NULL);
    check(session, prepared);
    check(listener, PQexec(listener, "LISTEN bench_parts"));
    start(listen_to_postgres, listener);
    redisContext *redis = open_redis();
    start(pop_from_redis, open_redis());
    CURL *to_receiver = prepare_post(arguments[3], body, NULL);
    CURL *to_gateway = prepare_post(arguments[5], event, arguments[6]);

    // The first round is one that nobody counts: it opens connections.
    for (int round = -1; round < rounds; round++) {
        char id[16];
        snprintf(id, sizeof id, "%d", round);
        const char *values[] = {id, body};
        for (int part = 0; part < PARTS; part++) {
            nanosleep(&before_each, NULL);
            double begun = now(), seconds = 0;
            switch (part) {
            case 0: check(session, PQexecPrepared(session, "insert", 2, values, NULL, NULL, 0)); break;
            case 1:
                check(session, PQexec(session, "NOTIFY bench_parts"));
                seconds = wait_for_arrival(begun);
                break;
            case 2:
                freeReplyObject(redisCommand(redis, "LPUSH bench:parts x"));
                seconds = wait_for_arrival(begun);
                break;
            case 3: check(session, PQexecPrepared(session, "update", 1, values, NULL, NULL, 0)); break;
            case 4: post(to_receiver); break;
            case 5: post(to_gateway); break;
            }
            if (seconds == 0) seconds = now() - begun;
            if (round >= 0) taken[part][round] = seconds;
        }
    }
    for (int part = 0; part < PARTS; part++) {
        qsort(taken[part], rounds, sizeof(double), ascending);
        printf("%s\"%s\":%.1f", part ? "," : "{", names[part], taken[part][rounds / 2] * 1e6);
    }
    printf("}\n");
    return 0;
}
