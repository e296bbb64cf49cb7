import EventModel
import Glibc
import JSONTree
import SystemPackage

/// What a login left: a gateway, a person's session there, and the organization that it speaks for.
struct Profile: Sendable, Equatable {
    let baseURL: String
    let accessToken: String
    /// Good once; see ``Profiles/change(_:in:_:)``.
    let refreshToken: String
    /// When the access token is over.
    let expiresAt: Timestamp
    let organizationID: String
}

/// The profiles of a home (`profiles.json`, mode 0600), by name.
enum Profiles {
    /// The name of one that was given none.
    static let usual = "default"

    static func read(_ name: String, in home: Home) throws -> Profile? {
        try all(in: home)[name]
    }

    static func names(in home: Home) throws -> [String] {
        try all(in: home).keys.sorted()
    }

    /// Replaces a profile by what the body makes of it; nil removes it.
    ///
    /// Locked meanwhile, the requests of the body included: a refresh token that two commands brought at the same time
    /// would end the session.
    static func change<R>(
        _ name: String, in home: Home, _ body: (Profile?) async throws -> (profile: Profile?, result: R)
    ) async throws -> R {
        try home.create()
        let lock = open(home.profilesLock.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Files.failure("open", home.profilesLock) }
        defer { close(lock) }
        var tries = 0
        while flock(lock, LOCK_EX | LOCK_NB) != 0 {
            tries += 1
            guard tries < 600 else { throw CommandError("another command holds \(home.profilesLock)") }
            try await Task.sleep(for: .milliseconds(50))
        }
        var profiles = try all(in: home)
        let (changed, result) = try await body(profiles[name])
        if changed != profiles[name] {
            profiles[name] = changed
            try write(profiles, to: home)
        }
        return result
    }

    private static func all(in home: Home) throws -> [String: Profile] {
        guard let bytes = try Files.read(home.profiles) else { return [:] }
        guard let root = try? JSONDocument(bytes).root, let profiles = root["profiles"], profiles.kind == .object else {
            throw CommandError("\(home.profiles) is damaged; delete it and run `collider login` again")
        }
        var found: [String: Profile] = [:]
        for (name, value) in profiles.members {
            guard let url = value["base_url"]?.string, let access = value["access_token"]?.string,
                let refresh = value["refresh_token"]?.string, let organization = value["organization_id"]?.string,
                let expires = value["expires_at"]?.string.flatMap({ Timestamp(rfc3339: $0) })
            else { throw CommandError("\(home.profiles) is damaged; delete it and run `collider login` again") }
            found[name] = Profile(
                baseURL: url, accessToken: access, refreshToken: refresh, expiresAt: expires,
                organizationID: organization)
        }
        return found
    }

    private static func write(_ profiles: [String: Profile], to home: Home) throws {
        var writer = JSONWriter()
        writer.object { root in
            root.key("profiles")
            root.object { list in
                for (name, profile) in profiles.sorted(by: { $0.key < $1.key }) {
                    list.key(name)
                    list.object {
                        $0.member("base_url", profile.baseURL)
                        $0.member("access_token", profile.accessToken)
                        $0.member("refresh_token", profile.refreshToken)
                        $0.member("expires_at", profile.expiresAt.rfc3339)
                        $0.member("organization_id", profile.organizationID)
                    }
                }
            }
        }
        try Files.write(writer.bytes + [UInt8(ascii: "\n")], to: home.profiles, mode: .ownerReadWrite)
    }
}
