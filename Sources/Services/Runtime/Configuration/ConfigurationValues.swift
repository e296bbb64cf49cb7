import Configuration
import EventModel

/// Values by key, checked against what the key accepts.
///
/// A variable that is set to nothing counts as unset, because that is what `KEY=` in a `.env` file means.
struct ConfigurationValues {
    let reader: ConfigReader

    func text(_ key: ConfigurationKey) throws(ConfigurationError) -> String? {
        guard let value = raw(key) else { return nil }
        switch key.accepted {
        case .text(let minimum) where value.utf8.count < minimum:
            throw error(key, value, "must have at least \(minimum) bytes")
        case .oneOf(let words) where !words.contains(value):
            throw error(key, value, "is not one of \(words.joined(separator: ", "))")
        default:
            return value
        }
    }

    func requiredText(_ key: ConfigurationKey) throws(ConfigurationError) -> String {
        guard let value = try text(key) else { throw ConfigurationError(key: key.name, message: "is required") }
        return value
    }

    func requiredInteger(_ key: ConfigurationKey) throws(ConfigurationError) -> Int {
        guard let number = try integer(key) else { throw ConfigurationError(key: key.name, message: "is required") }
        return number
    }

    func integer(_ key: ConfigurationKey) throws(ConfigurationError) -> Int? {
        guard case .integer(let range) = key.accepted, let value = raw(key) else { return nil }
        guard let number = Int(value), range.contains(number) else {
            throw error(key, value, "is not an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func url(_ key: ConfigurationKey) throws(ConfigurationError) -> ConnectionURL? {
        guard case .url(let schemes) = key.accepted, let value = raw(key) else { return nil }
        guard let url = ConnectionURL(value), schemes.contains(url.scheme) else {
            let starts = schemes.map { "\($0)://" }.joined(separator: " or ")
            throw error(key, value, "is not a URL that starts with \(starts)")
        }
        return url
    }

    /// The text of an HTTP URL without slashes at its end, so that paths can be appended.
    func baseURL(_ key: ConfigurationKey) throws(ConfigurationError) -> String? {
        guard let url = try url(key), let value = raw(key) else { return nil }
        guard url.user == nil, url.password == nil, url.query == nil else {
            throw ConfigurationError(key: key.name, message: "must not carry a user, a password or parameters")
        }
        return String(value.reversed().drop { $0 == "/" }.reversed())
    }

    func blocks(_ key: ConfigurationKey) throws(ConfigurationError) -> [String] {
        var blocks: [String] = []
        for part in (raw(key) ?? "").split(separator: ",") {
            let block = part.trimmingSpaces()
            guard Self.isBlock(block) else {
                throw error(key, block, "is not an address block such as 10.0.0.0/8 or fd00::/8")
            }
            blocks.append(block)
        }
        return blocks
    }

    func rate(_ key: ConfigurationKey) throws(ConfigurationError) -> RateSettings? {
        guard case .rate = key.accepted, let value = raw(key), value != "off" else { return nil }
        let halves = value.split(separator: "/", omittingEmptySubsequences: false)
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard halves.count == 2, let count = Int(halves[0]), (1...100_000_000).contains(count),
            let unit = halves[1].last.flatMap({ units[$0] }), let spans = Int(halves[1].dropLast()),
            (1...86_400).contains(spans), spans * unit <= 86_400
        else {
            throw error(key, value, "is neither a number in a time of 1s to 1d, such as 600/1m, nor off")
        }
        return RateSettings(count: count, seconds: spans * unit)
    }

    func origins(_ key: ConfigurationKey) throws(ConfigurationError) -> [String] {
        var origins: [String] = []
        for part in (raw(key) ?? "").split(separator: ",") {
            let origin = part.trimmingSpaces()
            let url = ConnectionURL(origin)
            let isWeb = url?.scheme == "http" || url?.scheme == "https"
            guard origin == "*" || isWeb && url?.path.isEmpty == true && !origin.hasSuffix("/") else {
                throw error(key, origin, "is not an origin such as https://app.example.com, without a path")
            }
            origins.append(origin)
        }
        return origins
    }

    func encryptionKeys(_ key: ConfigurationKey) throws(ConfigurationError) -> [[UInt8]] {
        guard case .encryptionKeys(let maximum) = key.accepted, let value = raw(key) else { return [] }
        let parts = value.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingSpaces() }
        guard parts.count <= maximum else {
            throw error(key, value, maximum == 1 ? "is more than one key" : "are more than \(maximum) keys")
        }
        var keys: [[UInt8]] = []
        for part in parts {
            guard let bytes = Self.keyBytes(part), bytes.count == 32 else {
                throw error(key, value, "is not 32 bytes in hexadecimal or Base64; `openssl rand -hex 32` makes such")
            }
            guard Set(bytes).count >= 8 else { throw error(key, value, "is not random; `openssl rand -hex 32` is") }
            keys.append(bytes)
        }
        return keys
    }

    /// 64 hexadecimal digits are also Base64, of 48 bytes, which no key has.
    private static func keyBytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 64 else { return Base64.decode(text) }
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func raw(_ key: ConfigurationKey) -> String? {
        let value = reader.string(forKey: ConfigKey([key.name]), isSecret: key.isSecret)?.trimmingSpaces()
        guard let value, !value.isEmpty else { return key.defaultValue }
        return value
    }

    private func error(_ key: ConfigurationKey, _ value: String, _ complaint: String) -> ConfigurationError {
        let shown = key.isSecret ? "the value" : "\"\(value)\""
        return ConfigurationError(key: key.name, message: "\(shown) \(complaint)")
    }

    /// A first look only; the outbound policy parses the address itself.
    private static func isBlock(_ text: String) -> Bool {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(halves.count), !halves[0].isEmpty else { return false }
        let isIPv6 = halves[0].contains(":")
        if halves.count == 2 {
            guard let bits = UInt8(halves[1]), bits <= (isIPv6 ? 128 : 32) else { return false }
        }
        if isIPv6 { return halves[0].allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." } }
        let octets = halves[0].split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets.allSatisfy { UInt8($0) != nil }
    }
}

extension StringProtocol {
    func trimmingSpaces() -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
