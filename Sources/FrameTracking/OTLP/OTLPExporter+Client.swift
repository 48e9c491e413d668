import AsyncHTTPClient
import Logging
import NIOSSL

extension OTLPExporter {
    /// How a client for this exporter is set up. Files that can't be used are left out, with a warning.
    static func clientConfiguration(_ settings: TracingSettings, logger: Logger) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.tlsConfiguration = tlsConfiguration(settings, logger: logger)
        // A connection that can't be made is our retry's business, which counts and reports it.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        // Spans about sending spans would never end.
        configuration.tracing.tracer = nil
        return configuration
    }

    private static func tlsConfiguration(_ settings: TracingSettings, logger: Logger) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = settings.certificateFile {
            do {
                tls.trustRoots = .certificates(try certificates(in: file))
            } catch {
                logger.warning(
                    "the trace receiver's certificate file is ignored: \(error)",
                    metadata: ["file": "\(file)"]
                )
            }
        }
        if let key = settings.clientKeyFile, let certificate = settings.clientCertificateFile {
            do {
                let chain = try certificates(in: certificate)
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
                tls.certificateChain = chain.map { .certificate($0) }
            } catch {
                logger.warning(
                    "the trace exporter's key and certificate are ignored: \(error)",
                    metadata: ["key": "\(key)", "certificate": "\(certificate)"]
                )
            }
        }
        return tls
    }

    private static func certificates(in file: String) throws -> [NIOSSLCertificate] {
        let certificates = try NIOSSLCertificate.fromPEMFile(file)
        guard !certificates.isEmpty else { throw NoCertificate() }
        return certificates
    }

    private struct NoCertificate: Error, CustomStringConvertible {
        var description: String { "there is no certificate in it" }
    }
}
