import CZlib

/// Packs texts by gzip (RFC 1952).
public enum Gzip {
    /// Of 1 to 9: three quarters of what there is to gain, at a third of the time of 6.
    private static let level: CInt = 3

    /// The packed bytes.
    ///
    /// - Parameter bytes: fewer than 4 GiB.
    public static func pack(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var stream = z_stream()
        // It fails only for want of memory, which ends a Swift program anyway.
        precondition(collider_deflate_init_gzip(&stream, level) == Z_OK)
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            stream.next_in = UnsafeMutablePointer(
                mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.avail_in = UInt32(bytes.count)
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            let code = deflate(&stream, Z_FINISH)
            precondition(code == Z_STREAM_END, "the bound that zlib gives is enough")
            count = output.count - Int(stream.avail_out)
        }
    }
}
