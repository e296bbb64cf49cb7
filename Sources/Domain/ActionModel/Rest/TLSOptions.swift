import JSONTree

/// How a `rest` action speaks TLS: `{"ca_pem"?, "client_certificate"?, "client_key"?, "min_version"?}`.
public struct TLSOptions: Sendable, Equatable {
    /// Versions of TLS that an action can demand.
    public enum Version: String, Sendable, CaseIterable {
        /// RFC 5246, the least that is spoken at all.
        case tls12 = "1.2"
        /// RFC 8446.
        case tls13 = "1.3"
    }

    /// Certificates to trust in place of the system's, in PEM.
    public let authorities: String?
    /// The certificate to show, and those that issued it, in PEM.
    public let clientCertificate: String?
    /// Its private key, in PEM without a password: a secret.
    public let clientKey: String?
    /// The least version.
    public let minimumVersion: Version

    static let maximumLength = 64 * 1024

    init(_ value: JSONValue, pointer: String, stored: [TLSOptions]) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        authorities = Self.readPEM("ca_pem", "CERTIFICATE", &reader)
        let certificate = Self.readPEM("client_certificate", "CERTIFICATE", &reader)
        clientCertificate = certificate
        clientKey = Self.readKey(&reader, stored: stored.filter { $0.clientCertificate == certificate })
        if (certificate == nil) != (clientKey == nil), reader.problems.isEmpty {
            reader.refuse("client_certificate and client_key belong together")
        }
        let name = reader.string("min_version")
        let version = name.flatMap { Version(rawValue: $0) }
        if name != nil, version == nil {
            reader.refuse("min_version", "must be one of \(Version.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        minimumVersion = version ?? .tls12
        try reader.finish()
    }

    private static func readPEM(_ name: String, _ label: String, _ reader: inout ObjectReader) -> String? {
        guard let text = reader.string(name, length: 1...maximumLength) else { return nil }
        guard isPEM(text, label) else {
            reader.refuse(name, "must be PEM: a block between -----BEGIN \(label)----- and -----END \(label)-----")
            return nil
        }
        return text
    }

    private static func readKey(_ reader: inout ObjectReader, stored: [TLSOptions]) -> String? {
        guard let text = reader.string("client_key", length: 1...maximumLength) else { return nil }
        if SecretMask.isMasked(text) {
            if let key = stored.lazy.compactMap(\.clientKey).first { return key }
            reader.refuse("client_key", "is masked, and no stored key belongs to this certificate; send the key")
            return nil
        }
        guard ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"].contains(where: { isPEM(text, $0) }) else {
            reader.refuse("client_key", "must be PEM: a block between -----BEGIN PRIVATE KEY----- and its end")
            return nil
        }
        return text
    }

    private static func isPEM(_ text: String, _ label: String) -> Bool {
        guard let start = text.firstRange(of: "-----BEGIN \(label)-----"),
            let end = text.firstRange(of: "-----END \(label)-----")
        else { return false }
        return start.upperBound < end.lowerBound && !text.utf8.contains(0)
    }

    func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            if let authorities { $0.member("ca_pem", authorities) }
            if let clientCertificate { $0.member("client_certificate", clientCertificate) }
            if let clientKey { $0.member("client_key", secrets == .masked ? SecretMask.dots : clientKey) }
            $0.member("min_version", minimumVersion.rawValue)
        }
    }
}
