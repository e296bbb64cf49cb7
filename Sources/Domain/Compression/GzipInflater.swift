import CZlib

/// Why packed bytes can't be unpacked.
public enum GzipError: Error, Equatable, Sendable {
    /// They are not gzip (RFC 1952), or a checksum is wrong.
    case damaged
    /// They end before the stream does.
    case truncated
}

/// Unpacks gzip piece by piece, so that whoever takes the pieces can stop before a few packed bytes become many.
///
/// Several members one after the other are one text, as RFC 1952 says; anything else after a member is damage.
public final class GzipInflater {
    /// Most bytes of a piece of the result.
    public static let pieceSize = 64 * 1024

    /// On the heap, because zlib keeps its address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var packed: [UInt8] = []
    private var offset = 0
    private var piece = [UInt8](repeating: 0, count: GzipInflater.pieceSize)
    private var isPieceFull = false
    private var isInsideMember = false
    private var hasMember = false

    /// Makes an inflater.
    public init() {
        stream.initialize(to: z_stream())
        // It fails only for want of memory, which ends a Swift program anyway.
        precondition(collider_inflate_init_gzip(stream) == Z_OK)
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Takes packed bytes, once ``next()`` has given all of those before.
    public func feed(_ bytes: [UInt8]) {
        packed = bytes
        offset = 0
    }

    /// The next piece of the result; nil when more packed bytes are needed.
    public func next() throws(GzipError) -> ArraySlice<UInt8>? {
        while offset < packed.count || isPieceFull {
            let (code, read, written) = step()
            offset += read
            isPieceFull = written == piece.count
            switch code {
            case Z_OK:
                isInsideMember = true
            case Z_STREAM_END:
                isInsideMember = false
                isPieceFull = false
                inflateReset(stream)
            case Z_BUF_ERROR where offset == packed.count:
                // Exactly a piece had been waiting, and nothing more.
                isPieceFull = false
            default:
                throw .damaged
            }
            hasMember = true
            if written > 0 { return piece[..<written] }
        }
        return nil
    }

    /// To be called after the last bytes.
    ///
    /// - Throws: ``GzipError/truncated`` when the stream has not come to its end.
    public func finish() throws(GzipError) {
        guard hasMember, !isInsideMember else { throw .truncated }
    }

    private func step() -> (code: CInt, read: Int, written: Int) {
        let available = packed.count - offset
        return packed.withUnsafeMutableBufferPointer { input in
            piece.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_in = input.baseAddress.map { $0 + offset }
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                let code = inflate(stream, Z_NO_FLUSH)
                return (code, available - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
            }
        }
    }
}
