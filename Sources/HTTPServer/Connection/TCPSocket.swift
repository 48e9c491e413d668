import CTCPInfo
import NIOCore

/// Looks at, and resets, the TCP socket of a channel.
enum TCPSocket {
    /// TCP_CLOSE in the kernel's numbering.
    private static let closedState: UInt8 = 7

    /// What the peer has acknowledged. A channel that is no TCP socket, or can't be asked any more, counts as closed.
    ///
    /// Runs on the channel's event loop, where SwiftNIO answers at once.
    static func progress(of channel: any Channel) -> DeliveryTracker.Progress {
        var progress = DeliveryTracker.Progress(acknowledged: 0, isClosed: true)
        guard let socket = channel as? any SocketOptionProvider else { return progress }
        let info: EventLoopFuture<ctcp_info> = socket.unsafeGetSocketOption(level: .tcp, name: .tcp_info)
        info.assumeIsolated().whenSuccess { info in
            progress = .init(acknowledged: info.bytes_acked, isClosed: info.state == closedState)
        }
        return progress
    }

    /// Makes the next close a reset, which drops whatever was not sent or acknowledged yet.
    static func resetOnClose(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else { return }
        _ = socket.unsafeSetSocketOption(level: .socket, name: .so_linger, value: ctcp_linger(is_on: 1, seconds: 0))
    }
}
