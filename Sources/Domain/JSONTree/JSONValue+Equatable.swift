import CSimdJSON

extension JSONValue: Equatable {
    /// Whether two values mean the same: numbers by their exact value (`1` is `1.0`), objects without regard to order,
    /// strings and keys by their bytes.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        if let number = left.number { return number == right.number }
        guard left.tag == right.tag else { return false }
        switch left.tag {
        case CSJ_STRING:
            return left.storage.withText(at: left.index) { right.storage.hasText($0, at: right.index) }
        case CSJ_ARRAY:
            return left.count == right.count && zip(left.elements, right.elements).allSatisfy { $0 == $1 }
        case CSJ_OBJECT:
            return left.count == right.count && left.hasMembers(of: right)
        default:
            return true
        }
    }

    /// Looks each member up where the other object has it if the order is the same, and only then everywhere.
    private func hasMembers(of other: JSONValue) -> Bool {
        var mine = index + 1
        var theirs = other.index + 1
        for _ in 0..<count {
            let found = storage.withText(at: mine) { key in
                other.storage.hasText(key, at: theirs)
                    ? JSONValue(storage: other.storage, index: theirs + 1) : other.member(key)
            }
            guard let found, found == JSONValue(storage: storage, index: mine + 1) else { return false }
            mine = Int(storage[mine + 1].next)
            theirs = Int(other.storage[theirs + 1].next)
        }
        return true
    }
}
