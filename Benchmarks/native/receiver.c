// A receiver of webhooks on several loopback ports: answers every request with 200 and counts it.
//
//     receiver PORTS
//
// Prints the ports as a line of JSON. `GET /count` on any of them is not counted, and answers how many have come and
// how many seconds lie between the first and the last of them; after `GET /count?reset` the next is the first. It ends
// with SIGTERM.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 1 << 16, EVENTS = 256, CONNECTIONS = 1 << 16 };

struct connection {
    size_t used;
    char bytes[LARGEST];
};

static struct connection *connections[CONNECTIONS];
static long received;
// The first is 0 until it has come.
static double first, last;

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

static void drop(int fd) {
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

// Takes one request off the beginning of what was read; 0 when it is not whole yet, -1 when it is none.
static int take(int fd, struct connection *it) {
    char *end = memmem(it->bytes, it->used, "\r\n\r\n", 4);
    if (!end) return it->used == LARGEST ? -1 : 0;
    size_t length = end + 4 - it->bytes;
    for (char *line = it->bytes; line < end; line = (char *)memmem(line, end + 2 - line, "\r\n", 2) + 2) {
        if (strncasecmp(line, "content-length:", 15) == 0) length += strtoul(line + 15, NULL, 10);
    }
    if (length > LARGEST) return -1;
    if (length > it->used) return 0;
    int is_count = length > 16 && memcmp(it->bytes, "GET /count", 10) == 0;
    int is_reset = is_count && memcmp(it->bytes + 10, "?reset", 6) == 0;
    memmove(it->bytes, it->bytes + length, it->used - length);
    it->used -= length;
    if (is_count) {
        char body[128];
        snprintf(body, sizeof body, "{\"received\":%ld,\"seconds\":%.6f}", received, last - first);
        if (is_reset) first = 0;
        answer(fd, body);
    } else {
        last = now();
        received++;
        if (first == 0) first = last;
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

int main(int count, char **arguments) {
    int ports = count == 2 ? atoi(arguments[1]) : 0;
    if (ports < 1 || ports > 64) {
        fprintf(stderr, "usage: receiver PORTS (1 to 64)\n");
        return 2;
    }
    int poll = epoll_create1(0), listeners[64];
    for (int index = 0; index < ports; index++) {
        int port;
        listeners[index] = listen_somewhere(&port);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = listeners[index]};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, listeners[index], &event)) fail("epoll_ctl");
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
                continue;
            }
            int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK), on = 1;
            if (client < 0) continue;
            if (client >= CONNECTIONS || !(connections[client] = calloc(1, sizeof **connections))) {
                close(client);
                continue;
            }
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
            if (epoll_ctl(poll, EPOLL_CTL_ADD, client, &event)) fail("epoll_ctl");
        }
    }
}
