import JSONTree
import Testing

/// A number as its whole part and the rest, which a double of that size holds exactly: slow and obviously right.
private struct Exact: Comparable {
    /// Rounded down; of doubles beyond ±2^70 only the sign, past every integer.
    let whole: Int128
    let fraction: Double

    init(_ number: JSONNumber) {
        switch number {
        case .int(let value):
            whole = Int128(value)
            fraction = 0
        case .uint(let value):
            whole = Int128(value)
            fraction = 0
        case .double(let value):
            let floor = value.rounded(.down)
            let isHuge = floor.magnitude > 0x1p70
            whole = isHuge ? (floor > 0 ? 1 << 71 : -(1 << 71)) : Int128(floor)
            fraction = isHuge ? value : value - floor
        }
    }

    static func < (left: Exact, right: Exact) -> Bool {
        left.whole != right.whole ? left.whole < right.whole : left.fraction < right.fraction
    }
}

struct NumberTests {
    static let edges: [JSONNumber] = [
        .int(0), .int(1), .int(-1), .int(.max), .int(.min), .int(.max - 1), .int(.min + 1), .int(1 << 53),
        .int((1 << 53) + 1), .int(-(1 << 53) - 1), .uint(0), .uint(.max), .uint(1 << 63), .uint((1 << 63) + 1),
        .uint((1 << 63) - 1), .uint(.max - 1), .double(0), .double(-0.0), .double(0.5), .double(-0.5), .double(1),
        .double(0x1p53), .double(0x1p63), .double(-0x1p63), .double(0x1p64), .double((0x1p63).nextDown),
        .double((-0x1p63).nextDown), .double((0x1p64).nextDown), .double(1e300), .double(-1e300),
        .double(.leastNonzeroMagnitude), .double(.infinity), .double(-.infinity), .double(0.9999999999999999),
    ]

    static func check(_ left: JSONNumber, _ right: JSONNumber) {
        let (exactLeft, exactRight) = (Exact(left), Exact(right))
        #expect((left == right) == (exactLeft == exactRight), "\(left) == \(right)")
        #expect((left < right) == (exactLeft < exactRight), "\(left) < \(right)")
        if left == right { #expect(left.hashValue == right.hashValue, "\(left) hashes like \(right)") }
    }

    @Test("Numbers at the edges compare exactly")
    func edges() {
        for left in Self.edges { for right in Self.edges { Self.check(left, right) } }
    }

    @Test("Numbers of any length are read as the nearest double, or exactly")
    func reading() throws {
        var random = SeededGenerator(seed: 11)
        func digits(_ count: Int) -> String {
            (0..<count).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
        }
        for _ in 0..<20_000 {
            let sign = Bool.random(using: &random) ? "-" : ""
            let whole = Bool.random(using: &random) ? "0" : "7" + digits(Int.random(in: 0...19, using: &random))
            let fraction = Bool.random(using: &random) ? "" : "." + digits(Int.random(in: 1...18, using: &random))
            // A blank, which the token does not have, keeps it off the way that short numbers take.
            for text in [sign + whole + fraction, sign + whole + fraction + " "] {
                let element = try #require(try JSONDocument("[\(text),1]").root[0])
                let plain = sign + whole + fraction
                if fraction.isEmpty, let exact = Int64(plain) {
                    #expect(element.int64 == exact, "\(text)")
                } else {
                    #expect(element.double?.bitPattern == Double(plain)?.bitPattern, "\(text)")
                }
            }
        }
    }

    @Test("Random numbers compare exactly")
    func random() {
        var random = SeededGenerator(seed: 7)
        func number() -> JSONNumber {
            let bits = random.next() >> UInt64.random(in: 0...63, using: &random)
            return switch UInt64.random(in: 0..<4, using: &random) {
            case 0: .int(Int64(bitPattern: bits))
            case 1: .uint(bits)
            case 2: .double(Double(Int64(bitPattern: bits)))
            default: .double(Double(bits) + Double.random(in: -1...1, using: &random))
            }
        }
        for _ in 0..<20_000 {
            let left = number()
            Self.check(left, number())
            Self.check(left, .double(left.double))
        }
    }

    @Test("Not a number is neither equal nor less")
    func notANumber() {
        for edge in Self.edges {
            #expect(edge != .double(.nan))
            #expect(!(edge < .double(.nan)))
            #expect(!(.double(.nan) < edge))
        }
    }
}
