import EventModel
import JSONTree
import Outbound
import Runtime

/// The session of a profile: log in, renew, log out.
enum ProfileSession {
    /// An access token that is over sooner than this is renewed first, in microseconds.
    private static let margin: Int64 = 60_000_000

    /// Logs in and keeps the session as a profile.
    static func open(
        _ name: String, in home: Home, baseURL: String, email: String, password: String, organization: String?
    ) async throws -> Profile {
        try await Profiles.change(name, in: home) { _ in
            var body = JSONWriter()
            body.object {
                $0.member("email", email)
                $0.member("password", password)
                if let organization { $0.member("organization_id", organization) }
            }
            let profile = try await ask("/api/v1/auth/login", body.bytes, baseURL)
            return (profile, profile)
        }
    }

    /// The profile with an access token that is good for a while.
    ///
    /// - Parameter organization: the id of the one to speak for from now on; nil leaves it as it is.
    static func current(_ name: String, in home: Home, organization: String? = nil) async throws -> Profile {
        if organization == nil, let profile = try Profiles.read(name, in: home), isGood(profile) { return profile }
        return try await Profiles.change(name, in: home) { known in
            guard let known else { throw absent(name) }
            // Another command may have renewed it while this one waited.
            if organization == nil, isGood(known) { return (known, known) }
            var body = JSONWriter()
            body.object {
                $0.member("refresh_token", known.refreshToken)
                if let organization { $0.member("organization_id", organization) }
            }
            let profile = try await ask("/api/v1/auth/refresh", body.bytes, known.baseURL)
            return (profile, profile)
        }
    }

    /// Ends the session and forgets the profile.
    static func close(_ name: String, in home: Home) async throws {
        let profile = try await current(name, in: home)
        _ = try await APIClient.withClient(baseURL: profile.baseURL, apiKey: profile.accessToken) {
            try await $0.json("POST", "/api/v1/auth/logout")
        }
        try await forget(name, in: home)
    }

    /// Forgets the profile, whatever becomes of its session.
    static func forget(_ name: String, in home: Home) async throws {
        try await Profiles.change(name, in: home) { known in
            guard known != nil else { throw absent(name) }
            return (nil, ())
        }
    }

    private static func isGood(_ profile: Profile) -> Bool {
        profile.expiresAt.microseconds > Timestamp.now().microseconds + margin
    }

    private static func absent(_ name: String) -> CommandError {
        CommandError("there is no profile \(name); `collider login --profile \(name)` makes one")
    }

    private static func ask(_ path: String, _ body: [UInt8], _ baseURL: String) async throws -> Profile {
        let asked = Timestamp.now()
        let answer = try await APIClient.withClient(baseURL: baseURL, apiKey: "") {
            try await $0.json("POST", path, body: body)
        }
        let pair = answer.root
        guard let access = pair["access_token"]?.string, let refresh = pair["refresh_token"]?.string,
            let seconds = pair["expires_in"]?.int64, let organization = pair["organization_id"]?.string
        else { throw CommandError("the gateway answered without tokens") }
        return Profile(
            baseURL: baseURL, accessToken: access, refreshToken: refresh,
            expiresAt: Timestamp(microseconds: asked.microseconds + min(seconds, 3_600) * 1_000_000),
            organizationID: organization)
    }
}
