// Holds many event streams (server-sent events) open and counts what arrives on each: one thread, epoll.
//
//   listeners --port P --path /stream [--header 'Name: value']… [--count 1000]
//             [--seconds S --publish-path /x --publish-body FILE --burst B [--window W]]
//
// Prints `open` on a line of its own once every stream has answered 200. Without --publish-path it then reads until
// standard input ends. With it, it publishes bursts of B events and keeps W of them under way: the next is posted when
// every listener has had all of the one W before it. So the server works without pause at the highest rate at which
// nobody falls behind, and a server that drops a slow reader has no reason to.
//
// An event is a line that begins with `data:`. Chunked bodies are decoded first. One JSON object with the result goes
// to standard output. An early end of a stream is counted in `ended`, and ends a run that publishes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAXIMUM_HEADERS = 16, READ_BYTES = 256 * 1024, HEAD_BYTES = 4096, MAXIMUM_WINDOW = 64 };

typedef enum { HEAD, PLAIN, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, ENDED } stage;

typedef struct {
    int socket;
    stage stage;
    bool is_line_start;
    size_t chunk_left;
    uint64_t events;
    size_t head_length;
    char head[HEAD_BYTES];
} listener;

static struct {
    struct sockaddr_in address;
    char **headers;
    int header_count;
    int epoll, bell;       // `bell` rings when the publisher is done
    int count, opened;
    uint64_t events, bytes, ended;
    // Of the publisher; a burst is complete when `reached` of it equals `count`.
    const char *publish_path;
    char *body;
    size_t body_length;
    uint64_t burst, window, seconds;
    int reached[2 * MAXIMUM_WINDOW];
    pthread_mutex_t lock;
    pthread_cond_t progress;
    uint64_t completed, published;
    bool is_over;
    double elapsed;
} run = {.lock = PTHREAD_MUTEX_INITIALIZER, .progress = PTHREAD_COND_INITIALIZER};

static char read_buffer[READ_BYTES];

static void fail(const char *what, const char *why) {
    fprintf(stderr, "listeners: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int open_socket(void) {
    int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (opened < 0) fail("socket", strerror(errno));
    if (connect(opened, (struct sockaddr *)&run.address, sizeof run.address) < 0) fail("connect", strerror(errno));
    return opened;
}

static void send_all(int to, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = send(to, bytes, count, MSG_NOSIGNAL);
        if (written < 0) fail("send", strerror(errno));
        bytes += written;
        count -= (size_t)written;
    }
}

static int request_head(char *into, const char *method, const char *path, const char *last) {
    int length = snprintf(into, HEAD_BYTES, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path);
    for (int i = 0; i < run.header_count; i++) {
        length += snprintf(into + length, HEAD_BYTES - (size_t)length, "%s\r\n", run.headers[i]);
    }
    return length + snprintf(into + length, HEAD_BYTES - (size_t)length, "%s\r\n", last);
}

/// Called when a listener has had the last event of a burst.
static void reach(uint64_t burst) {
    if (run.publish_path == NULL || ++run.reached[burst % (2 * MAXIMUM_WINDOW)] < run.count) return;
    run.reached[burst % (2 * MAXIMUM_WINDOW)] = 0;
    pthread_mutex_lock(&run.lock);
    run.completed++;
    pthread_cond_signal(&run.progress);
    pthread_mutex_unlock(&run.lock);
}

static void count_events(listener *l, const char *bytes, size_t count) {
    const char *end = bytes + count;
    while (bytes < end) {
        // Of the fields of a stream (data, event, id, retry, and comments) one alone begins with a d.
        if (l->is_line_start && *bytes == 'd') {
            run.events++;
            if (++l->events % (run.burst ? run.burst : 1) == 0 && run.burst) reach(l->events / run.burst - 1);
        }
        const char *line = memchr(bytes, '\n', (size_t)(end - bytes));
        l->is_line_start = line != NULL;
        bytes = line == NULL ? end : line + 1;
    }
}

static size_t take_head(listener *l, const char *bytes, size_t count) {
    size_t room = sizeof l->head - 1 - l->head_length, piece = count < room ? count : room, before = l->head_length;
    memcpy(l->head + before, bytes, piece);
    l->head[before + piece] = 0;
    l->head_length = before + piece;
    char *end = strstr(l->head, "\r\n\r\n");
    if (end == NULL) {
        if (l->head_length == sizeof l->head - 1) fail("answer", "its head is too long");
        return count;
    }
    if (strncmp(l->head, "HTTP/1.1 200", 12) != 0) {
        l->head[12] = 0;
        fail("the stream was refused", l->head);
    }
    *end = 0;
    l->stage = strcasestr(l->head, "transfer-encoding: chunked") != NULL ? CHUNK_SIZE : PLAIN;
    l->is_line_start = true;
    if (++run.opened == run.count) {
        puts("open");
        fflush(stdout);
    }
    return (size_t)(end - l->head) + 4 - before;
}

/// Takes the bytes of one stage and returns how many they were.
static size_t take(listener *l, const char *bytes, size_t count) {
    size_t used = 1;
    switch (l->stage) {
    case HEAD: return take_head(l, bytes, count);
    case PLAIN: count_events(l, bytes, count); return count;
    case CHUNK_SIZE:
        // Digits up to the end of the line; the size of the chunk gathers in `chunk_left`.
        if (*bytes == '\n') {
            l->stage = l->chunk_left > 0 ? CHUNK_DATA : ENDED;
        } else if (*bytes != '\r') {
            char digit = (char)(*bytes | 0x20);
            l->chunk_left = l->chunk_left * 16 + (size_t)(digit >= 'a' ? digit - 'a' + 10 : *bytes - '0');
        }
        return 1;
    case CHUNK_DATA:
        used = count < l->chunk_left ? count : l->chunk_left;
        count_events(l, bytes, used);
        l->chunk_left -= used;
        if (l->chunk_left == 0) l->stage = CHUNK_END;
        return used;
    case CHUNK_END:
        if (*bytes == '\n') l->stage = CHUNK_SIZE;
        return 1;
    case ENDED: break;
    }
    return count;
}

static void end_listener(listener *l) {
    run.ended++;
    close(l->socket);
    pthread_mutex_lock(&run.lock);
    run.is_over = true;
    pthread_cond_signal(&run.progress);
    pthread_mutex_unlock(&run.lock);
}

static void read_stream(listener *l) {
    ssize_t count = recv(l->socket, read_buffer, sizeof read_buffer, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    for (size_t used = 0; count > 0 && used < (size_t)count && l->stage != ENDED;) {
        used += take(l, read_buffer + used, (size_t)count - used);
    }
    if (count > 0) run.bytes += (uint64_t)count;
    if (count <= 0 || l->stage == ENDED) {
        if (l->stage == HEAD) fail("the stream was refused", "closed without an answer");
        end_listener(l);
    }
}

/// Posts one burst and reads its answer to the end.
static void publish(int to) {
    char head[HEAD_BYTES], length_line[64];
    snprintf(length_line, sizeof length_line, "Content-Length: %zu\r\n", run.body_length);
    int length = request_head(head, "POST", run.publish_path, length_line);
    send_all(to, head, (size_t)length);
    send_all(to, run.body, run.body_length);
    size_t filled = 0, wanted = SIZE_MAX;
    while (filled < wanted) {
        // The head comes first and fits; of a long body only the length counts.
        char scratch[16384];
        ssize_t count = recv(to, filled < HEAD_BYTES ? head + filled : scratch,
            filled < HEAD_BYTES ? HEAD_BYTES - filled : sizeof scratch, 0);
        if (count <= 0) fail("publish", "the connection was closed");
        filled += (size_t)count;
        if (wanted != SIZE_MAX) continue;
        char *end = memmem(head, filled < HEAD_BYTES ? filled : HEAD_BYTES, "\r\n\r\n", 4);
        if (end == NULL) continue;
        *end = 0;
        if (strncmp(head, "HTTP/1.1 20", 11) != 0) fail("the burst was refused", head);
        char *field = strcasestr(head, "\r\ncontent-length:");
        if (field == NULL) fail("publish", "the answer has no length");
        wanted = (size_t)(end - head) + 4 + strtoull(field + 17, NULL, 10);
    }
}

static void *publish_all(void *unused) {
    int to = open_socket();
    uint64_t start = now(), end = start + run.seconds * 1000000000u;
    bool is_over = false;
    while (!is_over && now() < end) {
        publish(to);
        pthread_mutex_lock(&run.lock);
        run.published++;
        while (!run.is_over && run.published - run.completed >= run.window) {
            pthread_cond_wait(&run.progress, &run.lock);
        }
        is_over = run.is_over;
        pthread_mutex_unlock(&run.lock);
    }
    pthread_mutex_lock(&run.lock);
    while (!run.is_over && run.completed < run.published) pthread_cond_wait(&run.progress, &run.lock);
    pthread_mutex_unlock(&run.lock);
    run.elapsed = (double)(now() - start) / 1e9;
    close(to);
    uint64_t one = 1;
    if (write(run.bell, &one, sizeof one) < 0) fail("eventfd", strerror(errno));
    return unused;
}

static void read_body(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(path, strerror(errno));
    fseek(file, 0, SEEK_END);
    run.body_length = (size_t)ftell(file);
    rewind(file);
    run.body = malloc(run.body_length);
    if (fread(run.body, 1, run.body_length, file) != run.body_length) fail(path, "cannot be read");
    fclose(file);
}

/// Opens the streams, a few at a time: a listening socket queues only so many.
static void open_streams(const char *path) {
    char head[HEAD_BYTES];
    int length = request_head(head, "GET", path, "Accept: text/event-stream\r\n");
    listener *all = calloc((size_t)run.count, sizeof *all);
    for (int i = 0; i < run.count; i++) {
        all[i].socket = open_socket();
        send_all(all[i].socket, head, (size_t)length);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(run.epoll, EPOLL_CTL_ADD, all[i].socket, &event);
        while (run.opened + 100 < i) {
            struct epoll_event events[128];
            int count = epoll_wait(run.epoll, events, 128, 10000);
            if (count == 0) fail("open", "no answer within ten seconds");
            for (int e = 0; e < count; e++) read_stream(events[e].data.ptr);
        }
    }
}

/// Reads until the publisher is done or standard input ends.
static void read_streams(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    bool is_publishing = false;
    pthread_t publisher;
    int source = run.publish_path == NULL ? STDIN_FILENO : run.bell;
    if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, source, &event) < 0) fail("epoll_ctl", strerror(errno));
    // When it is over, what has arrived by then still counts.
    bool is_over = false;
    for (;;) {
        if (run.publish_path != NULL && !is_publishing && run.opened == run.count) {
            is_publishing = pthread_create(&publisher, NULL, publish_all, NULL) == 0;
        }
        int count = epoll_wait(run.epoll, events, 256, is_over ? 0 : -1);
        if (count == 0 && is_over) return;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL) {
                read_stream(events[i].data.ptr);
            } else if (source != STDIN_FILENO || read(STDIN_FILENO, read_buffer, sizeof read_buffer) <= 0) {
                is_over = true;
                epoll_ctl(run.epoll, EPOLL_CTL_DEL, source, NULL);
            }
        }
    }
}

int main(int count, char **arguments) {
    static const struct option options[] = {
        {"port", required_argument, 0, 'p'},         {"path", required_argument, 0, 'u'},
        {"header", required_argument, 0, 'h'},       {"count", required_argument, 0, 'c'},
        {"seconds", required_argument, 0, 's'},      {"publish-path", required_argument, 0, 'P'},
        {"publish-body", required_argument, 0, 'B'}, {"burst", required_argument, 0, 'b'},
        {"window", required_argument, 0, 'w'},       {0, 0, 0, 0}};
    char *headers[MAXIMUM_HEADERS];
    const char *path = "/", *body = NULL;
    int option, port = 0;
    run.headers = headers;
    run.count = 1000;
    run.seconds = 5;
    run.window = 2;
    while ((option = getopt_long(count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'h':
            if (run.header_count < MAXIMUM_HEADERS) headers[run.header_count++] = optarg;
            break;
        case 'c': run.count = atoi(optarg); break;
        case 's': run.seconds = strtoull(optarg, NULL, 10); break;
        case 'P': run.publish_path = optarg; break;
        case 'B': body = optarg; break;
        case 'b': run.burst = strtoull(optarg, NULL, 10); break;
        case 'w': run.window = strtoull(optarg, NULL, 10); break;
        default: return 64;
        }
    }
    if (port == 0 || run.window > MAXIMUM_WINDOW || (run.publish_path != NULL && (body == NULL || run.burst == 0))) {
        fprintf(stderr, "usage: listeners --port P --path /stream [options]\n");
        return 64;
    }
    if (body != NULL) read_body(body);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    run.address.sin_family = AF_INET;
    run.address.sin_port = htons((uint16_t)port);
    run.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.bell = eventfd(0, EFD_CLOEXEC);

    open_streams(path);
    read_streams();

    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"listeners\":%d,\"delivered\":%lu,\"bytes\":%lu,\"ended\":%lu,\"bursts\":%lu,\"seconds\":%.6f,"
           "\"cpu_seconds\":%.6f}\n",
        run.count, run.events, run.bytes, run.ended, run.completed, run.elapsed, cpu);
    return 0;
}
