import JSONTree

/// The address of a `rest` action: `http` or `https`, a fixed host, placeholders after it.
///
/// An event can choose what is asked, never who: the secrets, the signature and the circuit breaker of an action belong
/// to its host. Values are percent-encoded; so is whatever an unescaped value brings along that no URL may hold.
struct RestURL: Sendable {
    static let maximumLength = 2048
    static let maximumRenderedLength = 8192

    let template: Template
    /// Scheme, host and port as written, in lower case.
    let origin: String

    /// The origin without a port that its scheme implies, and without the root's dot behind the host: the same for all
    /// spellings of one endpoint.
    var endpoint: String {
        let parts = origin.split(separator: "/", omittingEmptySubsequences: true)
        guard parts.count == 2 else { return origin }
        let (scheme, authority) = (String(parts[0]), String(parts[1]))
        let implied = scheme == "https:" ? ":443" : ":80"
        var host = authority.hasSuffix(implied) ? String(authority.dropLast(implied.count)) : authority
        if host.hasSuffix(".") { host.removeLast() }
        return "\(scheme)//\(host)"
    }

    init(_ text: String, pointer: String) throws(JSONValidationError) {
        template = try Template(text, pointer: pointer)
        var fixed = ""
        if case .text(let bytes) = template.segments.first { fixed = String(decoding: bytes, as: UTF8.self) }
        let literal = template.segments.flatMap { segment -> [UInt8] in
            if case .text(let bytes) = segment { bytes } else { [] }
        }
        do throws(Flaw) {
            guard literal.allSatisfy(Self.isLegal) else {
                throw Flaw("may hold only the characters of a URL; percent-encode all others")
            }
            origin = try Self.origin(of: fixed, isWhole: template.segments.count <= 1)
        } catch {
            throw JSONValidationError(pointer: pointer, detail: error.detail)
        }
    }

    private struct Flaw: Error {
        let detail: String
        init(_ detail: String) { self.detail = detail }
    }

    private static func origin(of text: String, isWhole: Bool) throws(Flaw) -> String {
        let lowered = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lowered.hasPrefix) else {
            throw Flaw("must begin with http:// or https://")
        }
        let rest = lowered.utf8.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        guard isWhole || authority.endIndex < rest.endIndex else {
            throw Flaw("may have placeholders only after the host and a '/' or '?'")
        }
        guard !authority.contains(UInt8(ascii: "@")) else {
            throw Flaw("can't hold a user or password; use an authorization header")
        }
        guard isHost(authority) else { throw Flaw("has no valid host") }
        return scheme + String(Substring(authority))
    }

    /// A name or an address with an optional port.
    private static func isHost(_ authority: Substring.UTF8View) -> Bool {
        let isBracketed = authority.first == UInt8(ascii: "[")
        let separator = isBracketed ? UInt8(ascii: "]") : UInt8(ascii: ":")
        let host = authority.prefix { $0 != separator }
        var rest = authority[host.endIndex...]
        if isBracketed {
            guard rest.popFirst() != nil, host.count > 2, host.dropFirst().allSatisfy(isAddressByte) else {
                return false
            }
        } else {
            guard !host.isEmpty, host.allSatisfy(isNameByte) else { return false }
        }
        guard rest.popFirst() != nil else { return true }
        guard rest.count <= 5, let port = Int(String(Substring(rest))) else { return false }
        return (1...65_535).contains(port)
            && rest.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        Escaping.isUnreserved(byte) && byte != UInt8(ascii: "~")
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: ":"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// RFC 3986 §2: unreserved, reserved and `%`.
    private static func isLegal(_ byte: UInt8) -> Bool {
        Escaping.isUnreserved(byte) || ":/?#[]@!$&'()*+,;=%".utf8.contains(byte)
    }

    func render(_ firing: Firing) throws(RenderingError) -> String {
        let limit = Self.maximumRenderedLength
        let text = try template.render(firing, escaping: .url, limit: limit, of: .url)
        var output: [UInt8] = []
        for byte in text.utf8 {
            if Self.isLegal(byte) { output.append(byte) } else { Escaping.appendPercent(byte, to: &output) }
        }
        guard output.count <= limit else { throw RenderingError(part: .url, limit: limit) }
        return String(decoding: output, as: UTF8.self)
    }
}
