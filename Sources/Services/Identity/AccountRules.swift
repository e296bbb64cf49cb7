/// What a person may choose.
public enum AccountRules {
    /// Characters of a password. There is no rule about kinds of characters, after NIST SP 800-63B §5.1.1.2.
    public static let passwordLength = 8...256
    /// Characters of a username, which is also the name of the person's own organization.
    public static let usernameLength = 1...64

    /// Those of at least eight characters that are guessed first.
    private static let common: Set<String> = [
        "password", "12345678", "123456789", "1234567890", "qwertyui", "qwertyuiop", "password1", "password123",
        "iloveyou", "11111111", "00000000", "sunshine", "princess", "football", "baseball", "superman", "trustno1",
        "letmein1", "welcome1", "adminadmin", "administrator", "qwerty123", "1q2w3e4r", "abc12345", "abcd1234",
        "passw0rd", "p@ssw0rd", "changeme", "collider",
    ]

    /// What is wrong with a password, or nil.
    public static func flaw(ofPassword password: String, username: String, email: String) -> String? {
        guard passwordLength.contains(password.unicodeScalars.count) else {
            return "must have \(passwordLength.lowerBound) to \(passwordLength.upperBound) characters"
        }
        let lowercased = password.lowercased()
        if common.contains(lowercased) { return "is one of those that are guessed first" }
        if lowercased == username.lowercased() || lowercased == email.lowercased() {
            return "must not be the username or the email address"
        }
        return Set(password).count < 3 ? "must have at least 3 different characters" : nil
    }

    /// What is wrong with a username or the name of an organization, or nil.
    public static func flaw(ofName name: String) -> String? {
        guard usernameLength.contains(name.unicodeScalars.count) else {
            return "must have \(usernameLength.lowerBound) to \(usernameLength.upperBound) characters"
        }
        if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "must not have control characters"
        }
        return name.first == " " || name.last == " " ? "must not begin or end with a blank" : nil
    }

    /// What is wrong with an email address, or nil. Whether mail arrives there is not looked at.
    public static func flaw(ofEmail email: String) -> String? {
        let parts = email.split(separator: "@", omittingEmptySubsequences: false)
        let isPlain = email.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && $0.properties.generalCategory != .control
        }
        guard email.utf8.count <= 254, parts.count == 2, isPlain, !parts[0].isEmpty, !parts[1].isEmpty,
            !parts[1].hasPrefix("."), !parts[1].hasSuffix(".")
        else { return "must be an email address" }
        return nil
    }
}
