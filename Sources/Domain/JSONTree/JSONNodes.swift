import CSimdJSON

/// The tree of a document, lent for the length of a call: for whoever looks into very many documents and knows what to
/// look for.
///
/// Places are indices of the tree. Nothing of it may be kept: the pointers are valid during the call only.
public struct JSONNodes {
    /// What a value is, numbers by how they are held.
    public enum Form: UInt8, Sendable {
        /// `null`.
        case null
        /// `false`.
        case no
        /// `true`.
        case yes
        /// An integer that an `Int64` holds.
        case signed
        /// An integer above `Int64.max`.
        case unsigned
        /// Any other number.
        case double
        /// A string.
        case string
        /// An array.
        case array
        /// An object.
        case object
    }

    private let nodes: UnsafeBufferPointer<csj_node>
    private let source: UnsafePointer<UInt8>?
    private let text: UnsafePointer<UInt8>?
    /// Where the value is whose tree was lent.
    public let root: UInt32

    fileprivate init(
        _ nodes: UnsafeBufferPointer<csj_node>, source: UnsafePointer<UInt8>?, text: UnsafePointer<UInt8>?, root: Int
    ) {
        self.nodes = nodes
        self.source = source
        self.text = text
        self.root = UInt32(root)
    }

    /// What is at a place.
    public func form(at place: UInt32) -> Form { Form(rawValue: UInt8(nodes[Int(place)].kind)) ?? .null }

    /// A number as it is held, in 64 bits; the number of elements or members of a container.
    public func bits(at place: UInt32) -> UInt64 { nodes[Int(place)].bits }

    /// The unescaped bytes of a string.
    public func string(at place: UInt32) -> UnsafeBufferPointer<UInt8> {
        let node = nodes[Int(place)]
        guard node.bits != 0 else {
            return UnsafeBufferPointer(
                start: source.map { $0 + Int(node.start) + 1 }, count: Int(node.end - node.start) - 2)
        }
        return UnsafeBufferPointer(
            start: text.map { $0 + Int(node.bits >> 32) }, count: Int(truncatingIfNeeded: node.bits & 0xFFFF_FFFF))
    }

    /// Where the member of an object is whose key has these bytes; 0 when there is none.
    ///
    /// - Parameter hint: where it was in another document. Events of one type look alike, so it mostly is there again,
    ///   and one comparison shows it.
    public func member(of object: UInt32, _ key: UnsafeBufferPointer<UInt8>, hint: UInt32) -> UInt32 {
        guard nodes[Int(object)].kind == CSJ_OBJECT.rawValue else { return 0 }
        // Only keys lead back to where they belong.
        if hint > object + 1, hint < nodes.count, nodes[Int(hint) - 1].next == object, hasText(key, at: hint - 1) {
            return hint
        }
        var candidate = object + 1
        for _ in 0..<nodes[Int(object)].bits {
            if hasText(key, at: candidate) { return candidate + 1 }
            candidate = nodes[Int(candidate) + 1].next
        }
        return 0
    }

    /// Where an element of an array is; 0 when there is none.
    public func element(of array: UInt32, at index: Int) -> UInt32 {
        let node = nodes[Int(array)]
        guard node.kind == CSJ_ARRAY.rawValue, index >= 0, UInt64(index) < node.bits else { return 0 }
        var element = array + 1
        for _ in 0..<index { element = nodes[Int(element)].next }
        return element
    }

    /// The place after a value and all that is in it: of an element the next one.
    public func next(after place: UInt32) -> UInt32 { nodes[Int(place)].next }

    private func hasText(_ key: UnsafeBufferPointer<UInt8>, at place: UInt32) -> Bool {
        let other = string(at: place)
        guard other.count == key.count, let left = key.baseAddress, let right = other.baseAddress else {
            return other.count == key.count
        }
        return ByteString.isEqual(left, right, count: key.count)
    }
}

extension JSONValue {
    /// Lends the tree that this value is the root of.
    public func withNodes<R>(_ body: (JSONNodes) throws -> R) rethrows -> R {
        try storage.withAll { nodes, source, text in
            try body(JSONNodes(nodes, source: source.baseAddress, text: text.baseAddress, root: index))
        }
    }

    /// The value at a place of the tree lent by ``withNodes(_:)``.
    public func value(at place: UInt32) -> JSONValue { JSONValue(storage: storage, index: Int(place)) }
}
