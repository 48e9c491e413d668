import NIOCore
import NIOHTTP1

/// SwiftNIO's request decoder, telling the connection what can't be seen in the parts: that bytes have come at all, and
/// that a head has begun which is not complete.
///
/// The second sets the deadline for heads, and keeps a request whose beginning was read before a response left from
/// proving that this was received.
struct RequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    private let decoder: HTTPRequestDecoder
    private let connection: HTTPConnectionHandler

    init(connection: HTTPConnectionHandler, configuration: HTTPServerConfiguration) {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maximumHeadSize
        limits.maxHeaderListSize = configuration.maximumHeadSize
        limits.maxHeaderFieldCount = configuration.maximumHeadFields
        decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .dropBytes,
            informationalResponseStrategy: .drop,
            limitConfiguration: limits
        )
        self.connection = connection
    }

    func decoderAdded(context: ChannelHandlerContext) {
        decoder.decoderAdded(context: context)
    }

    func decoderRemoved(context: ChannelHandlerContext) {
        decoder.decoderRemoved(context: context)
    }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        connection.willDecode()
        let state = try decoder.decode(context: context, buffer: &buffer)
        connection.didDecode(isIncomplete: buffer.readableBytes > 0)
        return state
    }

    func decodeLast(
        context: ChannelHandlerContext,
        buffer: inout ByteBuffer,
        seenEOF: Bool
    ) throws -> DecodingState {
        try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }
}
