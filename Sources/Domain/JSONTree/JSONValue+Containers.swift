import CSimdJSON

extension JSONValue {
    /// How many elements an array or members an object has; 0 for any other kind.
    public var count: Int {
        let node = node
        return node.kind == CSJ_ARRAY.rawValue || node.kind == CSJ_OBJECT.rawValue ? Int(node.bits) : 0
    }

    /// The elements of an array in order; none for any other kind.
    public var elements: JSONElements {
        JSONElements(storage: storage, start: index + 1, count: tag == CSJ_ARRAY ? count : 0)
    }

    /// The members of an object as written; none for any other kind.
    public var members: JSONMembers {
        JSONMembers(storage: storage, start: index + 1, count: tag == CSJ_OBJECT ? count : 0)
    }

    /// The member of an object whose key has the same bytes, else nil; in time linear in the number of members.
    ///
    /// Bytes, not Swift's canonical equivalence: `é` and `e` with an accent are two keys, as they are in jsonb.
    public subscript(key: String) -> JSONValue? {
        var key = key
        return key.withUTF8 { member($0) }
    }

    /// The element of an array, else nil; in time linear in the index.
    public subscript(index: Int) -> JSONValue? {
        guard index >= 0, tag == CSJ_ARRAY, index < count else { return nil }
        var element = self.index + 1
        for _ in 0..<index { element = Int(storage[element].next) }
        return JSONValue(storage: storage, index: element)
    }

    /// Follows a path downwards; nil as soon as a step leads nowhere.
    public func value(at path: JSONPath) -> JSONValue? {
        var value = self
        for component in path.components {
            let next =
                switch component {
                case .key(let key): value[key]
                case .index(let index): value[index]
                }
            guard let next else { return nil }
            value = next
        }
        return value
    }

    func member(_ key: UnsafeBufferPointer<UInt8>) -> JSONValue? {
        guard tag == CSJ_OBJECT else { return nil }
        var candidate = index + 1
        for _ in 0..<count {
            if storage.hasText(key, at: candidate) { return JSONValue(storage: storage, index: candidate + 1) }
            candidate = Int(storage[candidate + 1].next)
        }
        return nil
    }
}

extension JSONStorage {
    func hasText(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        withText(at: index) { $0.count == bytes.count && $0.elementsEqual(bytes) }
    }
}

/// The elements of an array, in order.
public struct JSONElements: Sequence, Sendable {
    let storage: JSONStorage
    let start: Int
    let count: Int

    /// How many there are.
    public var underestimatedCount: Int { count }

    /// Starts at the first element.
    public func makeIterator() -> Iterator { Iterator(storage: storage, position: start, left: count) }

    /// A place between two elements.
    public struct Iterator: IteratorProtocol {
        let storage: JSONStorage
        var position: Int
        var left: Int

        /// The element at this place.
        public mutating func next() -> JSONValue? {
            guard left > 0 else { return nil }
            defer {
                position = Int(storage[position].next)
                left -= 1
            }
            return JSONValue(storage: storage, index: position)
        }
    }
}

/// The members of an object, in the order in which they are written.
public struct JSONMembers: Sequence, Sendable {
    let storage: JSONStorage
    let start: Int
    let count: Int

    /// How many there are.
    public var underestimatedCount: Int { count }

    /// Starts at the first member.
    public func makeIterator() -> Iterator { Iterator(storage: storage, position: start, left: count) }

    /// A place between two members.
    public struct Iterator: IteratorProtocol {
        let storage: JSONStorage
        var position: Int
        var left: Int

        /// The member at this place.
        public mutating func next() -> (key: String, value: JSONValue)? {
            guard left > 0 else { return nil }
            defer {
                position = Int(storage[position + 1].next)
                left -= 1
            }
            return (storage.string(at: position), JSONValue(storage: storage, index: position + 1))
        }
    }
}
