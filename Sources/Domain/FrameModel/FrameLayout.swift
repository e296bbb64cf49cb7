import CFrameLayout

/// How a frame lies in a ring: every ring has one layout for all of its slots.
public enum FrameLayout: String, Sendable, CaseIterable {
    /// The embedding as 1,024 floats.
    case full
    /// The embedding as 1,024 bytes and a scale, for a quarter of the memory.
    case compact

    /// The number that a ring of this layout begins with.
    public var magic: UInt64 {
        switch self {
        case .full: CFL_MAGIC
        case .compact: CFL_COMPACT_MAGIC
        }
    }

    /// The version of the layout that this program reads and writes.
    public var version: UInt32 {
        switch self {
        case .full: UInt32(CFL_VERSION)
        case .compact: UInt32(CFL_COMPACT_VERSION)
        }
    }

    /// Bytes.
    public var frameSize: Int {
        switch self {
        case .full: CFL_FRAME_SIZE
        case .compact: CFL_COMPACT_SIZE
        }
    }

    /// The layout whose rings begin with this number.
    public init?(magic: UInt64) {
        guard let layout = Self.allCases.first(where: { $0.magic == magic }) else { return nil }
        self = layout
    }
}
