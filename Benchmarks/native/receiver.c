// A receiver of webhooks on several loopback ports: answers every request with 200 and counts it.
//
//     receiver PORTS ARRIVALS
//
// Prints the ports as a line of JSON. Whatever has `"bench_number": N` in its body is noted in the file ARRIVALS: doubles,
// of which number N × PORTS + the port's place says when it first came, in seconds of the monotonic clock, and 0 that it
// did not. Requests on any port that are not counted:
//
//     GET /count         how many have come, seconds between the first and the last, how many are being held
//     GET /count?reset   the same; the next is the first, and all arrivals are forgotten
//     GET /mute?A-B      ports from place A to place B take requests from now on, and do not answer
//     GET /mute          all answer; what was held is hung up on
//
// It ends with SIGTERM.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 1 << 16, EVENTS = 256, CONNECTIONS = 1 << 16, PORTS = 256, ARRIVALS = 1 << 21 };

struct connection {
    int port;  // its place
    int held;  // requests that were taken and not answered
    size_t used;
    char bytes[LARGEST];
};

static struct connection *connections[CONNECTIONS];
static int ports, mute_from = 1, mute_to = 0;
static long received, held;
// The first is 0 until it has come.
static double first, last, *arrivals;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int listen_somewhere(int *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) fail("socket");
    if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1024)) fail("listen");
    if (getsockname(fd, (struct sockaddr *)&address, &length)) fail("getsockname");
    *port = ntohs(address.sin_port);
    return fd;
}

static void map_arrivals(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, ARRIVALS * sizeof *arrivals)) fail(path);
    arrivals = mmap(NULL, ARRIVALS * sizeof *arrivals, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (arrivals == MAP_FAILED) fail("mmap");
    close(fd);
}

static void drop(int fd) {
    held -= connections[fd]->held;
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

static void answer(int fd, const char *body) {
    char text[512];
    int length = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    // The answers are small, and a client that does not read them is none of ours.
    if (write(fd, text, length) != length) drop(fd);
}

static void answer_count(int fd, int is_reset) {
    char body[128];
    snprintf(body, sizeof body, "{\"received\":%ld,\"seconds\":%.6f,\"held\":%ld}", received, last - first, held);
    if (is_reset) {
        first = 0;
        memset(arrivals, 0, ARRIVALS * sizeof *arrivals);
    }
    answer(fd, body);
}

static void mute(int fd, const char *range) {
    if (sscanf(range, "?%d-%d", &mute_from, &mute_to) != 2) {
        mute_from = 1, mute_to = 0;
        for (int other = 0; other < CONNECTIONS; other++) {
            if (connections[other] && connections[other]->held) drop(other);
        }
    }
    answer(fd, "{}");
}

static void note_arrival(const char *body, size_t length, int port, double time) {
    static const char name[] = "\"bench_number\":";
    const char *place = memmem(body, length, name, sizeof name - 1), *end = body + length;
    if (!place) return;
    place += sizeof name - 1;
    while (place < end && *place == ' ') place++;
    unsigned long number = 0;
    for (; place < end && *place >= '0' && *place <= '9' && number < ARRIVALS; place++) number = number * 10 + *place - '0';
    unsigned long index = number * ports + port;
    if (index < ARRIVALS && arrivals[index] == 0) arrivals[index] = time;
}

static int begins(const struct connection *it, size_t length, const char *text) {
    return length > strlen(text) && memcmp(it->bytes, text, strlen(text)) == 0;
}

// Takes one request off the beginning of what was read; 0 when it is not whole yet, -1 when it is none.
static int take(int fd, struct connection *it) {
    char *end = memmem(it->bytes, it->used, "\r\n\r\n", 4);
    if (!end) return it->used == LARGEST ? -1 : 0;
    size_t head = end + 4 - it->bytes, length = head;
    for (char *line = it->bytes; line < end; line = (char *)memmem(line, end + 2 - line, "\r\n", 2) + 2) {
        if (strncasecmp(line, "content-length:", 15) == 0) length += strtoul(line + 15, NULL, 10);
    }
    if (length > LARGEST) return -1;
    if (length > it->used) return 0;
    char range[32] = "";
    int is_count = begins(it, length, "GET /count"), is_mute = begins(it, length, "GET /mute");
    int is_reset = begins(it, length, "GET /count?reset");
    if (is_mute) sscanf(it->bytes + 9, "%31[^ ]", range);
    if (!is_count && !is_mute) {
        last = now();
        received++;
        if (first == 0) first = last;
        note_arrival(it->bytes + head, length - head, it->port, last);
    }
    memmove(it->bytes, it->bytes + length, it->used - length);
    it->used -= length;
    if (is_count) {
        answer_count(fd, is_reset);
    } else if (is_mute) {
        mute(fd, range);
    } else if (it->port >= mute_from && it->port <= mute_to) {
        it->held++;
        held++;
    } else {
        answer(fd, "ok");
    }
    return connections[fd] ? 1 : 0;
}

static void serve(int fd) {
    struct connection *it = connections[fd];
    ssize_t count = read(fd, it->bytes + it->used, LARGEST - it->used);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return drop(fd);
    it->used += count;
    int taken;
    while ((taken = take(fd, it)) > 0) {}
    if (taken < 0) drop(fd);
}

static void welcome(int poll, int listener, int port) {
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (client < 0) return;
    if (client >= CONNECTIONS || !(connections[client] = calloc(1, sizeof **connections))) {
        close(client);
        return;
    }
    connections[client]->port = port;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, client, &event)) fail("epoll_ctl");
}

int main(int count, char **arguments) {
    ports = count == 3 ? atoi(arguments[1]) : 0;
    if (ports < 1 || ports > PORTS) {
        fprintf(stderr, "usage: receiver PORTS ARRIVALS (1 to %d ports)\n", PORTS);
        return 2;
    }
    map_arrivals(arguments[2]);
    int poll = epoll_create1(0);
    // By the descriptor of the listener.
    static int places[CONNECTIONS];
    for (int index = 0; index < ports; index++) {
        int port, listener = listen_somewhere(&port);
        places[listener] = index;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
        printf("%s%d", index ? "," : "[", port);
    }
    printf("]\n");
    fflush(stdout);
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int index = 0; index < ready; index++) {
            int fd = events[index].data.fd;
            if (connections[fd]) {
                serve(fd);
            } else {
                welcome(poll, fd, places[fd]);
            }
        }
    }
}
