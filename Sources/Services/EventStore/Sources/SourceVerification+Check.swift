public import ActionModel
import Crypto
public import EventModel

/// Why a delivery is not taken for its sender's.
public enum HookRefusal: String, Error, Sendable, CaseIterable {
    /// A header of the scheme is missing.
    case missing
    /// A header of the scheme is there twice, or is not what the scheme writes.
    case malformed
    /// No signature was made with a secret of the source over these bytes.
    case signature
    /// The delivery is signed, but its time is too far from ours.
    case timestamp
    /// Name or password is wrong.
    case credentials
}

extension SourceVerification {
    /// Signatures of one delivery that are looked at; senders give two while they change a secret.
    private static let maximumSignatures = 10

    /// Checks that a delivery was made by someone who has a secret of the source.
    ///
    /// It computes one code for each secret over the very bytes that came, and compares in constant time.
    /// - Parameters:
    ///   - body: as received.
    ///   - headers: all values of a header, by its name in lower case.
    public func check(
        body: [UInt8], headers: (String) -> [String], now: Timestamp
    ) throws(HookRefusal) {
        switch scheme {
        case .none: return
        case .basic: try checkPassword(headers)
        case .github:
            let signature = try Self.bytes(hex: Self.one("x-hub-signature-256", headers), after: "sha256=")
            try check([signature], over: [body], SHA256.self)
        case .stripe: try checkStripe(body, headers, now)
        case .slack:
            let time = try Self.one("x-slack-request-timestamp", headers)
            let signature = try Self.bytes(hex: Self.one("x-slack-signature", headers), after: "v0=")
            let seconds = try Self.seconds(time)
            try check([signature], over: [Array("v0:\(time):".utf8), body], SHA256.self)
            try check(seconds, now)
        case .standardWebhooks: try checkStandardWebhooks(body, headers, now)
        case .hmac: try checkHMAC(body, headers, now)
        }
    }
}

// MARK: - Schemes

extension SourceVerification {
    /// `webhook-signature` holds signatures with blanks between, each after its version; only version 1 is symmetric.
    private func checkStandardWebhooks(
        _ body: [UInt8], _ headers: (String) -> [String], _ now: Timestamp
    ) throws(HookRefusal) {
        let id = try Self.one("webhook-id", headers)
        let time = try Self.one("webhook-timestamp", headers)
        let signatures = try Self.one("webhook-signature", headers).split(separator: " ")
            .filter { $0.hasPrefix("v1,") }.prefix(Self.maximumSignatures)
            .compactMap { Base64.decode(String($0.dropFirst(3))) }
        let seconds = try Self.seconds(time)
        guard !id.isEmpty, !signatures.isEmpty else { throw .malformed }
        let keys = secrets.compactMap(SigningSecret.key)
        let prefix = SigningSecret.signedPrefix(id: id, timestamp: time)
        try check(signatures, keys: keys, over: [prefix, body], SHA256.self)
        try check(seconds, now)
    }

    /// `Stripe-Signature` is a list of `t=` (once) and `v1=` (once or more); other versions are passed over.
    private func checkStripe(
        _ body: [UInt8], _ headers: (String) -> [String], _ now: Timestamp
    ) throws(HookRefusal) {
        let parts = try Self.one("stripe-signature", headers).split(separator: ",")
            .map { $0.drop { $0 == " " } }
        let times = parts.filter { $0.hasPrefix("t=") }.map { String($0.dropFirst(2)) }
        let signatures = parts.filter { $0.hasPrefix("v1=") }.prefix(Self.maximumSignatures)
            .compactMap { Self.bytes(hex: $0.dropFirst(3)) }
        guard times.count == 1, !signatures.isEmpty else { throw .malformed }
        let seconds = try Self.seconds(times[0])
        try check(signatures, over: [Array("\(times[0]).".utf8), body], SHA256.self)
        try check(seconds, now)
    }

    private func checkHMAC(
        _ body: [UInt8], _ headers: (String) -> [String], _ now: Timestamp
    ) throws(HookRefusal) {
        guard let form = hmac else { throw .malformed }
        let value = try Self.one(form.header, headers)
        guard value.hasPrefix(form.prefix) else { throw .malformed }
        let written = value.dropFirst(form.prefix.count)
        let decoded = form.encoding == .hex ? Self.bytes(hex: written) : Base64.decode(String(written))
        guard let signature = decoded else { throw .malformed }
        var time: (text: String, seconds: Int64)?
        if let header = form.timestampHeader {
            let text = try Self.one(header, headers)
            time = (text, try Self.seconds(text))
        }
        let around = form.surroundings(timestamp: time?.text)
        let content = [around.before, body, around.after]
        switch form.algorithm {
        case .sha256: try check([signature], over: content, SHA256.self)
        case .sha512: try check([signature], over: content, SHA512.self)
        case .sha1: try check([signature], over: content, Insecure.SHA1.self)
        }
        if let time { try check(time.seconds, now) }
    }

    private func checkPassword(_ headers: (String) -> [String]) throws(HookRefusal) {
        let parts = try Self.one("authorization", headers).split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic", let given = Base64.decode(String(parts[1])) else {
            throw .malformed
        }
        // Codes under a key of the moment are compared instead of the texts: that tells neither where two of them
        // part nor how long ours is.
        let key = SymmetricKey(size: .bits256)
        let code = Array(HMAC<SHA256>.authenticationCode(for: given, using: key))
        var isValid = false
        for secret in secrets {
            let expected = Array("\(username ?? ""):\(secret)".utf8)
            if HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: expected, using: key) { isValid = true }
        }
        guard isValid else { throw .credentials }
    }
}

// MARK: - Parts

extension SourceVerification {
    private func check<Hash: HashFunction>(
        _ signatures: [[UInt8]], over content: [[UInt8]], _ hash: Hash.Type
    ) throws(HookRefusal) {
        try check(signatures, keys: secrets.map { Array($0.utf8) }, over: content, hash)
    }

    private func check<Hash: HashFunction>(
        _ signatures: [[UInt8]], keys: [[UInt8]], over content: [[UInt8]], _ hash: Hash.Type
    ) throws(HookRefusal) {
        var isValid = false
        for key in keys where !key.isEmpty {
            var code = HMAC<Hash>(key: SymmetricKey(data: key))
            for part in content { code.update(data: part) }
            let expected = code.finalize()
            // `==` of a code with bytes takes the same time wherever they differ.
            for signature in signatures where expected == signature { isValid = true }
        }
        guard isValid else { throw .signature }
    }

    private func check(_ seconds: Int64, _ now: Timestamp) throws(HookRefusal) {
        let difference = (now.microseconds / 1_000_000).subtractingReportingOverflow(seconds)
        guard !difference.overflow, difference.partialValue.magnitude <= UInt64(toleranceSeconds) else {
            throw .timestamp
        }
    }

    /// The only value of a header. Of two, the sender may have signed one and a stranger have added the other.
    private static func one(_ name: String, _ headers: (String) -> [String]) throws(HookRefusal) -> String {
        let values = headers(name)
        guard let value = values.first else { throw .missing }
        guard values.count == 1 else { throw .malformed }
        return value
    }

    private static func seconds(_ text: String) throws(HookRefusal) -> Int64 {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let value = Int64(text)
        else { throw .malformed }
        return value
    }

    private static func bytes(hex text: String, after prefix: String) throws(HookRefusal) -> [UInt8] {
        guard text.hasPrefix(prefix), let bytes = bytes(hex: text.dropFirst(prefix.count)) else { throw .malformed }
        return bytes
    }

    private static func bytes(hex text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2), !digits.isEmpty else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digit(digits[index]), let low = digit(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
