import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.leshan.client.californium.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.client.californium.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.client.californium.endpoint.coaps.CoapsClientProtocolProvider;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.core.util.datatype.ULong;

/** The device's first account and how it speaks DTLS, from `name=value` arguments; keys in hexadecimal, files in PEM. */
class LeshanAccounts {
    private final Map<String, String> options;

    LeshanAccounts(Map<String, String> options) {
        this.options = options;
    }

    static X509Certificate certificate(String file) throws Exception {
        try (InputStream bytes = Files.newInputStream(Path.of(file))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(bytes);
        }
    }

    /** PKCS#8. */
    static byte[] privateKey(String file) throws Exception {
        String pem = Files.readString(Path.of(file));
        return Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    }

    private byte[] identity() {
        return options.get("identity").getBytes();
    }

    private byte[] key() {
        return HexFormat.of().parseHex(options.get("key"));
    }

    private byte[] publicKey(String option) throws Exception {
        return certificate(options.get(option)).getPublicKey().getEncoded();
    }

    private ULong usage() {
        return ULong.valueOf(options.getOrDefault("usage", "3"));
    }

    boolean hasServer() {
        return options.containsKey("server");
    }

    /** With a server, with a bootstrap server, or with both. */
    Security[] all() throws Exception {
        List<Security> accounts = new ArrayList<>();
        if (hasServer()) accounts.add(server());
        if (options.containsKey("bootstrap")) accounts.add(bootstrapServer());
        return accounts.toArray(Security[]::new);
    }

    private Security server() throws Exception {
        String uri = options.get("server");
        switch (options.getOrDefault("mode", "nosec")) {
            case "psk":
                return Security.psk(uri, 1, identity(), key());
            case "x509":
                return Security.x509(uri, 1, certificate(options.get("certificate")).getEncoded(),
                        privateKey(options.get("privateKey")), certificate(options.get("serverCertificate")).getEncoded(),
                        usage());
            case "rpk":
                return Security.rpk(uri, 1, publicKey("certificate"), privateKey(options.get("privateKey")),
                        publicKey("serverCertificate"));
            default:
                return Security.noSec(uri, 1);
        }
    }

    private Security bootstrapServer() throws Exception {
        String uri = options.get("bootstrap");
        switch (options.getOrDefault("mode", "nosec")) {
            case "psk":
                return Security.pskBootstrap(uri, identity(), key());
            case "x509":
                return Security.x509Bootstrap(uri, certificate(options.get("certificate")).getEncoded(),
                        privateKey(options.get("privateKey")), certificate(options.get("serverCertificate")).getEncoded(),
                        usage());
            default:
                return Security.noSecBootstrap(uri);
        }
    }

    List<Certificate> trusted() throws Exception {
        return options.containsKey("trust") ? List.of(certificate(options.get("trust"))) : List.of();
    }

    CaliforniumClientEndpointsProvider endpoints() {
        CaliforniumClientEndpointsProvider.Builder builder = new CaliforniumClientEndpointsProvider.Builder(
                new CoapClientProtocolProvider(), new CoapsClientProtocolProvider());
        Configuration configuration = builder.createDefaultConfiguration();
        configuration.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
        if (options.containsKey("cid")) {
            configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, Integer.valueOf(options.get("cid")));
        }
        if (options.containsKey("suite")) {
            configuration.setAsList(DtlsConfig.DTLS_CIPHER_SUITES, CipherSuite.getTypeByName(options.get("suite")));
        }
        if (options.containsKey("margin")) {
            configuration.set(CoapConfig.EXCHANGE_LIFETIME, Integer.parseInt(options.get("margin")), TimeUnit.SECONDS);
        }
        builder.setConfiguration(configuration);
        return builder.build();
    }
}
