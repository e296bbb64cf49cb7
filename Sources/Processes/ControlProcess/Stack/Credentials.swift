import JSONTree
import SystemPackage

/// How a person or a client reaches the gateway of a home (`credentials.json`, mode 0600).
struct Credentials: Sendable {
    let baseURL: String
    let apiKey: String
    let organizationID: String

    static func read(_ home: Home) throws -> Credentials? {
        guard let bytes = try Files.read(home.credentials) else { return nil }
        guard let root = try? JSONDocument(bytes).root, let url = root["base_url"]?.string,
            let key = root["api_key"]?.string, let organization = root["organization_id"]?.string
        else { throw CommandError("\(home.credentials) is damaged; delete it and run `collider up` again") }
        return Credentials(baseURL: url, apiKey: key, organizationID: organization)
    }

    func write(to home: Home) throws {
        var writer = JSONWriter()
        writer.object {
            $0.member("base_url", baseURL)
            $0.member("api_key", apiKey)
            $0.member("organization_id", organizationID)
        }
        try Files.write(writer.bytes + [UInt8(ascii: "\n")], to: home.credentials, mode: .ownerReadWrite)
    }
}
