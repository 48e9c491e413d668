#include "CTCPInfo.h"

#include <assert.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

static_assert(offsetof(struct ctcp_info, state) == offsetof(struct tcp_info, tcpi_state), "state");
static_assert(offsetof(struct ctcp_info, rto) == offsetof(struct tcp_info, tcpi_rto), "rto");
static_assert(offsetof(struct ctcp_info, unacked) == offsetof(struct tcp_info, tcpi_unacked), "unacked");
static_assert(offsetof(struct ctcp_info, pmtu) == offsetof(struct tcp_info, tcpi_pmtu), "pmtu");
static_assert(offsetof(struct ctcp_info, total_retrans) == offsetof(struct tcp_info, tcpi_total_retrans), "total_retrans");
static_assert(offsetof(struct ctcp_info, bytes_acked) == offsetof(struct tcp_info, tcpi_bytes_acked), "bytes_acked");
static_assert(offsetof(struct ctcp_info, bytes_received) == offsetof(struct tcp_info, tcpi_bytes_received), "bytes_received");
static_assert(sizeof(struct ctcp_info) <= sizeof(struct tcp_info), "size");

static_assert(offsetof(struct ctcp_linger, is_on) == offsetof(struct linger, l_onoff), "linger on");
static_assert(offsetof(struct ctcp_linger, seconds) == offsetof(struct linger, l_linger), "linger seconds");
static_assert(sizeof(struct ctcp_linger) == sizeof(struct linger), "linger size");
