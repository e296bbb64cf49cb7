import NIOCore

/// Passes over what a client sends for streams that it opened after it was told to open no more.
///
/// Such streams are ignored (RFC 9113 §6.8), because the client knows by the GOAWAY that they were, and asks elsewhere.
/// The frame handler does so with their heads, and takes their bodies for an error of the connection, which would end
/// the requests that are still answered. So it is given only their heads, which it needs for the compression. This
/// handler stands before it and counts bytes, to know where a frame begins (RFC 9113 §4.1).
final class LateStreams: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let prefaceBytes = 24
    private static let headerBytes = 9
    /// The types of DATA, HEADERS, WINDOW_UPDATE and CONTINUATION.
    private static let data: UInt8 = 0, headers: UInt8 = 1, windowUpdate: UInt8 = 8, continuation: UInt8 = 9

    /// The last stream that is answered; nil while all are.
    var last: UInt32?
    /// What is left of a preface or of a frame that has begun, and whether it is passed over.
    private var rest = (bytes: LateStreams.prefaceBytes, isDropped: false)
    private var header = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        // Most often all of it is passed on as it is.
        if last == nil, let whole = whole(bytes) {
            if whole.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(whole)) }
            return
        }
        var passed = ByteBuffer()
        var credit = 0
        while bytes.readableBytes > 0 {
            if rest.bytes > 0 {
                guard var piece = bytes.readSlice(length: min(rest.bytes, bytes.readableBytes)) else { break }
                rest.bytes -= piece.readableBytes
                if !rest.isDropped { passed.writeBuffer(&piece) }
            } else {
                let missing = Self.headerBytes - header.readableBytes
                guard var piece = bytes.readSlice(length: min(missing, bytes.readableBytes)) else { break }
                header.writeBuffer(&piece)
                if header.readableBytes == Self.headerBytes { credit += begin(&passed) }
            }
        }
        if credit > 0 { give(credit, context) }
        if passed.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(passed)) }
    }

    /// The same bytes, when nothing of them has to be looked at but where frames begin, less the half of a header that
    /// they may end in.
    private func whole(_ bytes: ByteBuffer) -> ByteBuffer? {
        guard header.readableBytes == 0, !rest.isDropped else { return nil }
        var left = bytes
        while left.readableBytes > 0 {
            let skipped = min(rest.bytes, left.readableBytes)
            left.moveReaderIndex(forwardBy: skipped)
            rest.bytes -= skipped
            guard left.readableBytes > 0 else { break }
            guard let length = Self.length(of: left) else {
                header = left
                return bytes.getSlice(at: bytes.readerIndex, length: bytes.readableBytes - left.readableBytes)
            }
            rest.bytes = Self.headerBytes + length
        }
        return bytes
    }

    /// Decides on a frame by its header.
    ///
    /// - Returns: bytes of the connection's window that the frame has cost its sender for nothing.
    private func begin(_ passed: inout ByteBuffer) -> Int {
        let length = Self.length(of: header) ?? 0
        let start = header.readerIndex
        let type = header.getInteger(at: start + 3, as: UInt8.self) ?? 0
        let stream = (header.getInteger(at: start + 5, as: UInt32.self) ?? 0) & 0x7FFF_FFFF
        let isLate = last.map { stream > $0 } ?? false
        rest = (length, isLate && type != Self.headers && type != Self.continuation)
        if !rest.isDropped { passed.writeImmutableBuffer(header) }
        header.clear()
        return rest.isDropped && type == Self.data ? length : 0
    }

    private static func length(of header: ByteBuffer) -> Int? {
        guard header.readableBytes >= headerBytes,
            let high = header.getInteger(at: header.readerIndex, as: UInt8.self),
            let low = header.getInteger(at: header.readerIndex + 1, as: UInt16.self)
        else { return nil }
        return Int(high) << 16 | Int(low)
    }

    /// Gives back what the frame handler does not know to be used up: bodies that are still read need it.
    private func give(_ credit: Int, _ context: ChannelHandlerContext) {
        var update = ByteBuffer()
        update.writeInteger(UInt32(4) << 8 | UInt32(Self.windowUpdate))
        update.writeInteger(UInt8(0))
        update.writeInteger(UInt32(0))
        update.writeInteger(UInt32(credit))
        context.writeAndFlush(wrapOutboundOut(update), promise: nil)
    }
}

@available(*, unavailable)
extension LateStreams: Sendable {}
