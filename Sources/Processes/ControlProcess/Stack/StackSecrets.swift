import JSONTree
import SystemPackage

/// What `up` makes once and keeps in the home: passwords, the signing secret, and the keys of stored secrets.
struct StackSecrets: Sendable {
    let databasePassword: String
    let redisPassword: String
    let signingSecret: String
    /// 32 bytes in hexadecimal.
    var encryptionKey: String
    /// Those before it, as long as something is encrypted under them.
    var oldEncryptionKeys: [String] = []

    /// The stored secrets, or new ones from the system's random generator, stored with mode 0600.
    static func loadOrCreate(in home: Home) throws -> StackSecrets {
        guard let bytes = try Files.read(home.secrets) else {
            let secrets = StackSecrets(
                databasePassword: random(), redisPassword: random(), signingSecret: random(), encryptionKey: random())
            try secrets.write(to: home)
            return secrets
        }
        guard let root = try? JSONDocument(bytes).root,
            let database = root["database_password"]?.string, let redis = root["redis_password"]?.string,
            let signing = root["jwt_secret"]?.string
        else { throw CommandError("\(home.secrets) is damaged; restore it, or start anew with `make clean-data`") }
        let key = root["encryption_key"]?.string
        let secrets = StackSecrets(
            databasePassword: database, redisPassword: redis, signingSecret: signing, encryptionKey: key ?? random(),
            oldEncryptionKeys: root["old_encryption_keys"]?.elements.compactMap(\.string) ?? [])
        // A home of an earlier release has none.
        if key == nil { try secrets.write(to: home) }
        return secrets
    }

    /// The same with a new encryption key; the present one becomes an old one.
    func rotated() -> StackSecrets {
        var copy = self
        copy.encryptionKey = Self.random()
        copy.oldEncryptionKeys = [encryptionKey] + oldEncryptionKeys
        return copy
    }

    /// Replaces the file.
    func write(to home: Home) throws {
        var writer = JSONWriter()
        writer.object {
            $0.member("database_password", databasePassword)
            $0.member("redis_password", redisPassword)
            $0.member("jwt_secret", signingSecret)
            $0.member("encryption_key", encryptionKey)
            if !oldEncryptionKeys.isEmpty {
                $0.key("old_encryption_keys")
                $0.array { list in oldEncryptionKeys.forEach { list.string($0) } }
            }
        }
        try Files.write(writer.bytes, to: home.secrets, mode: .ownerReadWrite)
    }

    /// 256 bits as 64 hexadecimal digits.
    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
