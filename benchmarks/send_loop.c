/* The limit of fan-out on this machine: one send() a member and event, and nothing else.
 *
 * usage: send_loop MEMBERS EVENT_BYTES
 *
 * Prints its address, accepts MEMBERS connections, and sends them every event
 * that comes in on stdin, each EVENT_BYTES long, until stdin ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static int listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(listener, "socket");
    check(bind(listener, (struct sockaddr *)&address, length), "bind");
    check(listen(listener, 4096), "listen");
    check(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    printf("127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: send_loop MEMBERS EVENT_BYTES\n");
        return 2;
    }
    int members = atoi(argv[1]), event_bytes = atoi(argv[2]), on = 1;
    int *sockets = malloc(members * sizeof *sockets);
    char *event = malloc(event_bytes);
    if (sockets == NULL || event == NULL) {
        perror("malloc");
        return 1;
    }
    int listener = listen_on_loopback();
    for (int i = 0; i < members; i++) {
        check(sockets[i] = accept(listener, NULL, NULL), "accept");
        /* Or the kernel would join small writes, and this were no loop of send() any more. */
        check(setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
    }
    while (fread(event, event_bytes, 1, stdin) == 1)
        for (int i = 0; i < members; i++)
            check(send(sockets[i], event, event_bytes, MSG_NOSIGNAL), "send");
    return 0;
}
