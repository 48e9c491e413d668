/// Media types by file extension and back, for the files that cameras and their programs make.
enum MediaType {
    private static let extensions: [(type: String, extensions: [String])] = [
        ("image/jpeg", ["jpg", "jpeg", "jpe"]),
        ("image/png", ["png"]),
        ("image/webp", ["webp"]),
        ("image/gif", ["gif"]),
        ("image/bmp", ["bmp"]),
        ("image/tiff", ["tif", "tiff"]),
        ("image/avif", ["avif"]),
        ("image/heic", ["heic"]),
        ("video/mp4", ["mp4"]),
        ("application/json", ["json"]),
    ]

    /// Bytes of no known kind are an octet stream.
    static func ofFile(named name: String) -> String {
        let ending = name.split(separator: "/").last?.split(separator: ".").dropFirst().last?.lowercased()
        return extensions.first { ending.map($0.extensions.contains) ?? false }?.type ?? "application/octet-stream"
    }

    /// The extension for a payload of this type, whatever parameters it has.
    static func fileExtension(of type: String) -> String {
        let type = type.prefix { $0 != ";" && $0 != " " }.lowercased()
        return extensions.first { $0.type == type }?.extensions.first ?? "bin"
    }
}
