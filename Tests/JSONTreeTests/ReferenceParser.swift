/// The strict rules once more, by recursive descent over decoded text: slow, without offsets, and with nothing in
/// common with what it checks.
struct ReferenceParser {
    private struct Refused: Error {}

    private let scalars: [Unicode.Scalar]
    private var place = 0

    static func accepts(_ bytes: [UInt8]) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        var parser = ReferenceParser(scalars: Array(text.unicodeScalars))
        do {
            try parser.value(depth: 1)
            parser.skipWhitespace()
            return parser.place == parser.scalars.count
        } catch {
            return false
        }
    }

    private init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    private var current: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    private mutating func skipWhitespace() {
        while let scalar = current, " \t\n\r".unicodeScalars.contains(scalar) { place += 1 }
    }

    private mutating func take(_ text: String) throws {
        for scalar in text.unicodeScalars {
            guard current == scalar else { throw Refused() }
            place += 1
        }
    }

    private mutating func value(depth: Int) throws {
        skipWhitespace()
        switch current {
        case "{": try object(depth: depth)
        case "[": try array(depth: depth)
        case "\"": _ = try string()
        case "t": try take("true")
        case "f": try take("false")
        case "n": try take("null")
        default: try number()
        }
    }

    private mutating func array(depth: Int) throws {
        try list(depth: depth, "[", "]") { parser in try parser.value(depth: depth + 1) }
    }

    private mutating func object(depth: Int) throws {
        var keys: Set<[UInt32]> = []
        try list(depth: depth, "{", "}") { parser in
            parser.skipWhitespace()
            guard keys.insert(try parser.string()).inserted, keys.count <= 2000 else { throw Refused() }
            parser.skipWhitespace()
            try parser.take(":")
            try parser.value(depth: depth + 1)
        }
    }

    private mutating func list(
        depth: Int, _ opening: String, _ closing: String, _ item: (inout ReferenceParser) throws -> Void
    ) throws {
        guard depth <= 64 else { throw Refused() }
        try take(opening)
        skipWhitespace()
        if current == closing.unicodeScalars.first { return try take(closing) }
        while true {
            try item(&self)
            skipWhitespace()
            if current == closing.unicodeScalars.first { return try take(closing) }
            try take(",")
        }
    }

    private mutating func string() throws -> [UInt32] {
        try take("\"")
        var units: [UInt32] = []
        while let scalar = current, scalar != "\"" {
            guard scalar.value >= 0x20 else { throw Refused() }
            place += 1
            guard scalar == "\\" else {
                units.append(scalar.value)
                continue
            }
            guard let letter = current else { throw Refused() }
            place += 1
            let escapes: [Unicode.Scalar: UInt32] = [
                "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
            ]
            if let unit = escapes[letter] {
                units.append(unit)
            } else {
                guard letter == "u" else { throw Refused() }
                units.append(try escapedScalar())
            }
        }
        try take("\"")
        return units
    }

    private mutating func escapedScalar() throws -> UInt32 {
        let first = try hexadecimal()
        guard first != 0, !(0xDC00...0xDFFF).contains(first) else { throw Refused() }
        guard (0xD800...0xDBFF).contains(first) else { return first }
        try take("\\u")
        let second = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(second) else { throw Refused() }
        return 0x10000 + (first - 0xD800) * 0x400 + (second - 0xDC00)
    }

    private mutating func hexadecimal() throws -> UInt32 {
        var text = ""
        for _ in 0..<4 {
            guard let scalar = current, scalar.properties.isASCIIHexDigit else { throw Refused() }
            text.unicodeScalars.append(scalar)
            place += 1
        }
        guard let value = UInt32(text, radix: 16) else { throw Refused() }
        return value
    }

    private mutating func number() throws {
        var text = ""
        while let scalar = current, "+-.0123456789eE".unicodeScalars.contains(scalar) {
            text.unicodeScalars.append(scalar)
            place += 1
        }
        guard let match = text.wholeMatch(of: /(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?/) else {
            throw Refused()
        }
        let whole = String(match.output.2)
        let fraction = String(match.output.3 ?? "")
        let digits = (whole + fraction).drop { $0 == "0" }
        // Zeros that end an integer part are places, not digits: jsonb writes 1e50 with fifty of them.
        let places = fraction.isEmpty ? digits.reversed().prefix { $0 == "0" }.count : 0
        guard digits.count - places <= 40 else { throw Refused() }
        guard let exponent = Int(match.output.4 ?? "0"), abs(exponent) <= 308 else { throw Refused() }
        if digits.isEmpty {
            guard fraction.count - exponent <= 348 else { throw Refused() }
            return
        }
        let isInteger = match.output.3 == nil && match.output.4 == nil
        if isInteger, Int64(text) != nil || UInt64(text) != nil { return }
        let scientific = digits.count - 1 - fraction.count + exponent
        guard abs(scientific) <= 308, let value = Double(text), value.isFinite else { throw Refused() }
    }
}
