import JSONTree
import SystemPackage

/// The ports of the private servers: free ones, chosen once and kept, so that a restart finds the same.
struct PrivatePorts: Sendable {
    let postgres: Int
    let redis: Int

    static func loadOrChoose(in home: Home) throws -> PrivatePorts {
        let file = home.run.appending("ports.json")
        if let bytes = try Files.read(file), let root = try? JSONDocument(bytes).root,
            let postgres = root["postgres"]?.int64, let redis = root["redis"]?.int64
        {
            let known = PrivatePorts(postgres: Int(postgres), redis: Int(redis))
            // A port may have been taken while the stack was down; while it is up its own servers hold them.
            if try SupervisorLock.holder(home) != nil || (Ports.isFree(known.postgres) && Ports.isFree(known.redis)) {
                return known
            }
        }
        let chosen = PrivatePorts(postgres: try Ports.free(), redis: try Ports.free())
        var writer = JSONWriter()
        writer.object {
            $0.member("postgres", chosen.postgres)
            $0.member("redis", chosen.redis)
        }
        try Files.write(writer.bytes, to: file, mode: [.ownerReadWrite, .groupRead, .otherRead])
        return chosen
    }
}
