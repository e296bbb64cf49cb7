import EventModel
import Glibc
import NIOHTTP2
import NIOSSL
import Runtime
import SystemPackage

/// A chain of certificates and the private key of its first, as they lie in their files.
struct CertificateFiles: Equatable {
    /// More bytes than any chain has.
    private static let maximumBytes = 1 << 20

    private let chain: [UInt8]
    private let key: [UInt8]

    /// Reads both files.
    ///
    /// - Throws: `ConfigurationError` with the key of the environment whose file is not fit.
    init(_ settings: TransportSecurity) throws(ConfigurationError) {
        chain = try Self.read(settings.certificate, "TLS_CERTIFICATE", isSecret: false)
        key = try Self.read(settings.key, "TLS_KEY", isSecret: true)
    }

    /// When the first certificate ends.
    var expiry: Timestamp {
        let first = try? NIOSSLCertificate.fromPEMBytes(chain).first
        return Timestamp(microseconds: Int64(first?.notValidAfter ?? 0) * 1_000_000)
    }

    /// What a connection speaks TLS with: version 1.2 or 1.3 (RFC 9325), and HTTP/2 before HTTP/1.1.
    ///
    /// - Throws: `ConfigurationError` for what is no certificate, no key, or not the key of the certificate.
    func context() throws(ConfigurationError) -> NIOSSLContext {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(chain), !certificates.isEmpty else {
            throw ConfigurationError(key: "TLS_CERTIFICATE", message: "the file has no certificate in PEM")
        }
        guard let privateKey = try? NIOSSLPrivateKey(bytes: key, format: .pem) else {
            throw ConfigurationError(
                key: "TLS_KEY", message: "the file has no private key in PEM that needs no passphrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = NIOHTTP2SupportedALPNProtocols
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ConfigurationError(
                key: "TLS_KEY", message: "the key is not that of the first certificate of TLS_CERTIFICATE")
        }
    }

    private static func read(
        _ path: String, _ name: String, isSecret: Bool
    ) throws(ConfigurationError) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec])
            return try file.closeAfter {
                var status = stat()
                guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                    throw ConfigurationError(key: name, message: "\"\(path)\" is no file")
                }
                guard !isSecret || status.st_mode & (S_IRWXO | S_IWGRP) == 0 else {
                    throw ConfigurationError(
                        key: name, message: "\"\(path)\" can be read or changed by others; chmod 600 (or 640) keeps it")
                }
                guard status.st_size <= maximumBytes else {
                    throw ConfigurationError(key: name, message: "\"\(path)\" is longer than \(maximumBytes) bytes")
                }
                return try Array(unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
                    count = try file.readAll(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(key: name, message: "\"\(path)\" can't be read: \(error)")
        }
    }
}

extension FileDescriptor {
    /// Reads until the buffer is full or the file has ended.
    fileprivate func readAll(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var count = 0
        while count < buffer.count {
            let read = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            if read == 0 { break }
            count += read
        }
        return count
    }
}
