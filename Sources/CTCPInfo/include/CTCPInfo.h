#ifndef CTCPINFO_H
#define CTCPINFO_H

#include <stdint.h>

/// The beginning of Linux' `struct tcp_info` as <linux/tcp.h> lays it out, up to the two byte counters.
///
/// glibc's <netinet/tcp.h> has a `tcp_info` of its own that ends before them, and the two headers can't be
/// included together; hence a declaration under a name of its own, held to the kernel's by static assertions.
/// The kernel fills in as many bytes as are asked for.
struct ctcp_info {
    /// The connection's state in the kernel's numbering: 1 established, 7 closed, 8 the peer has sent its FIN.
    uint8_t state;
    uint8_t ca_state;
    uint8_t retransmits;
    uint8_t probes;
    uint8_t backoff;
    uint8_t options;
    uint8_t window_scales;
    uint8_t flags;

    uint32_t rto;
    uint32_t ato;
    uint32_t snd_mss;
    uint32_t rcv_mss;

    uint32_t unacked;
    uint32_t sacked;
    uint32_t lost;
    uint32_t retrans;
    uint32_t fackets;

    uint32_t last_data_sent;
    uint32_t last_ack_sent;
    uint32_t last_data_recv;
    uint32_t last_ack_recv;

    uint32_t pmtu;
    uint32_t rcv_ssthresh;
    uint32_t rtt;
    uint32_t rttvar;
    uint32_t snd_ssthresh;
    uint32_t snd_cwnd;
    uint32_t advmss;
    uint32_t reordering;

    uint32_t rcv_rtt;
    uint32_t rcv_space;

    uint32_t total_retrans;

    uint64_t pacing_rate;
    uint64_t max_pacing_rate;
    /// Bytes of ours that the peer has acknowledged since the connection began, and one more for our own FIN.
    uint64_t bytes_acked;
    /// Bytes of the peer's that this end has acknowledged.
    uint64_t bytes_received;
};

/// `struct linger` of <sys/socket.h>, which Swift would import through whatever module comes first.
struct ctcp_linger {
    int is_on;
    int seconds;
};

#endif
