import JSONTree
import SystemPackage

/// What `up` makes once and keeps in the home: passwords, the signing secret, and the ports of the private servers.
struct StackSecrets: Sendable {
    let databasePassword: String
    let redisPassword: String
    let signingSecret: String

    /// The stored secrets, or new ones from the system's random generator, stored with mode 0600.
    static func loadOrCreate(in home: Home) throws -> StackSecrets {
        if let bytes = try Files.read(home.secrets) {
            guard let root = try? JSONDocument(bytes).root,
                let database = root["database_password"]?.string, let redis = root["redis_password"]?.string,
                let signing = root["jwt_secret"]?.string
            else { throw CommandError("\(home.secrets) is damaged; restore it, or start anew with `make clean-data`") }
            return StackSecrets(databasePassword: database, redisPassword: redis, signingSecret: signing)
        }
        let secrets = StackSecrets(databasePassword: random(), redisPassword: random(), signingSecret: random())
        var writer = JSONWriter()
        writer.object {
            $0.member("database_password", secrets.databasePassword)
            $0.member("redis_password", secrets.redisPassword)
            $0.member("jwt_secret", secrets.signingSecret)
        }
        try Files.write(writer.bytes, to: home.secrets, mode: .ownerReadWrite)
        return secrets
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
