// Sessions that LISTEN and read what they are told, at as little cost as can be:
//
//   subscribers DATABASE_URL CHANNEL [COUNT]
//
// Prints `open` when all listen. Ends with its standard input, and then prints how many notifications came.
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAXIMUM = 64 };

static void fail(PGconn *session) {
    fprintf(stderr, "subscribers: %s", PQerrorMessage(session));
    exit(1);
}

int main(int argument_count, char **arguments) {
    int count = argument_count > 3 ? atoi(arguments[3]) : 1;
    if (argument_count < 3 || count < 1 || count > MAXIMUM) {
        fprintf(stderr, "usage: subscribers DATABASE_URL CHANNEL [COUNT]\n");
        return 64;
    }
    PGconn *sessions[MAXIMUM];
    struct pollfd sources[MAXIMUM + 1];
    char statement[128];
    snprintf(statement, sizeof statement, "LISTEN %s", arguments[2]);
    for (int i = 0; i < count; i++) {
        sessions[i] = PQconnectdb(arguments[1]);
        if (PQstatus(sessions[i]) != CONNECTION_OK) fail(sessions[i]);
        PGresult *result = PQexec(sessions[i], statement);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(sessions[i]);
        PQclear(result);
        sources[i] = (struct pollfd){.fd = PQsocket(sessions[i]), .events = POLLIN};
    }
    sources[count] = (struct pollfd){.fd = 0, .events = POLLIN};
    puts("open");
    fflush(stdout);

    unsigned long notifications = 0;
    while (sources[count].revents == 0) {
        poll(sources, (nfds_t)count + 1, -1);
        for (int i = 0; i < count; i++) {
            if (sources[i].revents == 0) continue;
            if (!PQconsumeInput(sessions[i])) fail(sessions[i]);
            PGnotify *notification;
            while ((notification = PQnotifies(sessions[i])) != NULL) {
                notifications++;
                PQfreemem(notification);
            }
        }
    }
    for (int i = 0; i < count; i++) PQfinish(sessions[i]);
    printf("%lu\n", notifications);
    return 0;
}
