/// The operators of a stateless leaf (CONTRACT §4).
public enum Operator: String, Sendable, CaseIterable {
    /// Equal; also `=` and `==`.
    case eq
    /// Of the same type and not equal; also `!=` and `<>`.
    case ne
    /// Greater; also `>`.
    case gt
    /// Greater or equal; also `>=`.
    case gte
    /// Less; also `<`.
    case lt
    /// Less or equal; also `<=`.
    case lte
    /// Equal to one of a list.
    case `in`
    /// Of a type that the list has, and equal to none of it.
    case notIn = "not_in"
    /// From the first to the second of two values, both included.
    case between
    /// A string that holds another, or an array that holds a value.
    case contains
    /// A string that begins with another.
    case startsWith = "starts_with"
    /// A string that ends with another.
    case endsWith = "ends_with"
    /// A string in which a regular expression has a match.
    case matches
    /// A field that is there, or, with `false`, is not.
    case exists
    /// A value of a kind: null, boolean, integer, number, string, array, object.
    case isType = "is_type"
    /// An address within a block, of IPv4 or IPv6.
    case cidr

    /// Parses a name or an alias.
    public init?(name: String) {
        switch name {
        case "=", "==": self = .eq
        case "!=", "<>": self = .ne
        case ">": self = .gt
        case ">=": self = .gte
        case "<": self = .lt
        case "<=": self = .lte
        default: self.init(rawValue: name)
        }
    }
}
