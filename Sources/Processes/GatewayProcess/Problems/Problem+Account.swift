import HTTPTypes
import Identity

extension Problem {
    /// Why a person was not let in, with no more than they may know.
    init(_ error: AccountError) {
        switch error {
        case .wrongCredentials:
            self = .unauthenticated("the email address or the password is wrong")
        case .badRefreshToken:
            self = .unauthenticated("the refresh token is not known, has expired or was used before", isInvalid: true)
        case .notAMember:
            self.init(.notFound, "there is no such organization that you belong to")
        case .heldUp(let seconds):
            self.init(
                .tooManyAttempts, "too many attempts from your network; try again in \(seconds) seconds",
                headers: [.retryAfter: "\(seconds)"])
        case .overloaded:
            self.init(
                .overloaded, "more passwords wait to be checked than are checked at a time; send again later",
                headers: [.retryAfter: "2"])
        }
    }
}
