import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.CRC32;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/**
 * Firmware Update Object. An image is the text `image VERSION ram=KIB installs=yes|no`, a new line, any bytes, and last the CRC-32 of all
 * that in eight hexadecimal digits; what becomes of it follows from its content. Packages come by Write, or over HTTP from the Package URI.
 */
public class LeshanFirmware extends LeshanInstance {
    private static final int PACKAGE = 0;
    private static final int PACKAGE_URI = 1;
    private static final int UPDATE = 2;
    private static final int STATE = 3;
    private static final int RESULT = 5;
    private static final int NAME = 6;
    private static final int VERSION = 7;

    private static final long IDLE = 0;
    private static final long DOWNLOADING = 1;
    private static final long DOWNLOADED = 2;
    private static final long UPDATING = 3;

    private static final int STORAGE_BYTES = 6000;
    private static final int FREE_RAM_KIB = 64;
    private static final int CRC_CHARS = 8;

    private final LeshanInstance device;
    private String[] header = {};

    /** For Leshan, which asks for it; the instance is never created by a server. */
    public LeshanFirmware() {
        this(null);
    }

    /** @param device whose firmware version (3) this is */
    LeshanFirmware(LeshanInstance device) {
        super(0, STATE, IDLE, RESULT, 0L, NAME, "", VERSION, "", PACKAGE_URI, "", 8, Map.of(0, 0L, 1, 2L), 9, 2L);
        this.device = device;
    }

    /** A failure ends in Idle or, when only the installation failed, in Downloaded. */
    private static class Failed extends Exception {
        final long result;

        Failed(long result) {
            this.result = result;
        }
    }

    private interface Delivery {
        byte[] bytes() throws Failed;
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
        boolean isPush = resource == PACKAGE;
        if (!isPush && resource != PACKAGE_URI) return super.write(server, replace, resource, value);
        byte[] bytes = isPush ? (byte[]) value.getValue() : ((String) value.getValue()).getBytes(StandardCharsets.UTF_8);
        tellWritten(resource, value, WriteResponse.success());
        if (bytes.length == 0 || (bytes.length == 1 && bytes[0] == 0)) {
            header = new String[] {};
            set(STATE, IDLE, RESULT, 0L, PACKAGE_URI, "", NAME, "", VERSION, "");
            return WriteResponse.success();
        }
        if ((Long) value(STATE) != IDLE) return WriteResponse.badRequest("another package is there");
        if (!isPush) put(PACKAGE_URI, value.getValue());
        set(STATE, DOWNLOADING, RESULT, 0L);
        LeshanPower.soon(() -> download(isPush ? () -> bytes : () -> fetch((String) value.getValue())));
        return WriteResponse.success();
    }

    private void download(Delivery delivery) {
        try {
            header = check(delivery.bytes());
            set(STATE, DOWNLOADED, NAME, header[0], VERSION, header[1]);
        } catch (Failed failure) {
            set(STATE, IDLE, RESULT, failure.result);
        }
    }

    private static byte[] fetch(String uri) throws Failed {
        HttpURLConnection connection;
        try {
            connection = (HttpURLConnection) URI.create(uri).toURL().openConnection();
            if (connection.getResponseCode() != 200) throw new Failed(7);
        } catch (IOException | RuntimeException e) {
            throw new Failed(7);
        }
        try {
            int length = connection.getContentLength();
            byte[] bytes = connection.getInputStream().readAllBytes();
            if (bytes.length < length) throw new Failed(4);
            return bytes;
        } catch (IOException e) {
            throw new Failed(4);
        }
    }

    private static String[] check(byte[] image) throws Failed {
        if (image.length > STORAGE_BYTES) throw new Failed(2);
        String text = new String(image, StandardCharsets.ISO_8859_1);
        String[] words = text.split("\n", 2)[0].split(" ");
        if (words.length != 4 || !words[0].equals("image")) throw new Failed(6);
        if (Integer.parseInt(words[2].substring("ram=".length())) > FREE_RAM_KIB) throw new Failed(3);
        CRC32 crc = new CRC32();
        crc.update(Arrays.copyOf(image, image.length - CRC_CHARS));
        if (!text.substring(image.length - CRC_CHARS).equals(String.format("%08x", crc.getValue()))) throw new Failed(5);
        return words;
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
        if (resource != UPDATE || (Long) value(STATE) != DOWNLOADED) return ExecuteResponse.methodNotAllowed();
        set(STATE, UPDATING);
        LeshanPower.soon(this::install);
        return super.execute(server, resource, arguments);
    }

    private void install() {
        if (header[3].equals("installs=no")) {
            set(STATE, DOWNLOADED, RESULT, 8L);
            return;
        }
        device.put(3, header[1]);
        put(STATE, IDLE);
        put(RESULT, 1L);
        LeshanPower.restart(getLwM2mClient(), false, 0);
    }

    @Override
    protected boolean executes(int resource) {
        return resource == UPDATE;
    }
}
