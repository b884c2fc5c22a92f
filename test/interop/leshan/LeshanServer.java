import org.eclipse.leshan.client.LwM2mClient;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;

/** Server Object of LwM2M 1.1. Disable de-registers for the Disable Timeout, as Leshan's own does not. */
public class LeshanServer extends LeshanInstance {
    private static final int DISABLE = 4;
    private static final int DISABLE_TIMEOUT = 5;
    private static final int UPDATE_TRIGGER = 8;
    private static final int BOOTSTRAP_TRIGGER = 9;
    private static final int MUTE_SEND = 23;

    public LeshanServer() {
    }

    LeshanServer(int id, Object... values) {
        super(id, values);
    }

    @Override
    protected boolean executes(int resource) {
        return resource == DISABLE || resource == UPDATE_TRIGGER || resource == BOOTSTRAP_TRIGGER;
    }

    boolean isSendMuted() {
        return Boolean.TRUE.equals(value(MUTE_SEND));
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
        LwM2mClient client = getLwM2mClient();
        switch (resource) {
            case DISABLE:
                Object timeout = value(DISABLE_TIMEOUT);
                LeshanPower.restart(client, true, timeout == null ? 86_400 : (Long) timeout);
                break;
            case UPDATE_TRIGGER:
                client.triggerRegistrationUpdate(server);
                break;
            case BOOTSTRAP_TRIGGER:
                if (!client.triggerClientInitiatedBootstrap(true)) return ExecuteResponse.badRequest("no bootstrap server");
                break;
            default:
        }
        return super.execute(server, resource, arguments);
    }
}
