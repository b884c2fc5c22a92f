import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.request.DeregisterRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;

/** Says on standard output what becomes of the device, one word first. */
class LeshanTeller extends LwM2mClientObserverAdapter {
    static synchronized void tell(String line) {
        System.out.println(line);
        System.out.flush();
    }

    @Override
    public void onRegistrationSuccess(LwM2mServer server, RegisterRequest request, String id) {
        tell("registered " + id);
    }

    @Override
    public void onRegistrationFailure(LwM2mServer server, RegisterRequest request, ResponseCode code, String text, Exception cause) {
        tell("refused " + code + " " + text + " " + cause);
    }

    @Override
    public void onRegistrationTimeout(LwM2mServer server, RegisterRequest request) {
        tell("unanswered " + server.getUri());
    }

    @Override
    public void onBootstrapStarted(LwM2mServer server, BootstrapRequest request) {
        tell("bootstrapping " + server.getUri());
    }

    @Override
    public void onBootstrapSuccess(LwM2mServer server, BootstrapRequest request) {
        tell("bootstrapped " + server.getUri());
    }

    @Override
    public void onBootstrapFailure(LwM2mServer server, BootstrapRequest request, ResponseCode code, String text, Exception cause) {
        tell("unbootstrapped " + code + " " + text + " " + cause);
    }

    @Override
    public void onBootstrapTimeout(LwM2mServer server, BootstrapRequest request) {
        tell("unbootstrapped timeout");
    }

    @Override
    public void onUpdateSuccess(LwM2mServer server, UpdateRequest request) {
        String lifetime = request.getLifeTimeInSec() == null ? "" : " lt=" + request.getLifeTimeInSec();
        tell("updated" + lifetime + (request.getObjectLinks() == null ? "" : " with links"));
    }

    @Override
    public void onUpdateFailure(LwM2mServer server, UpdateRequest request, ResponseCode code, String text, Exception cause) {
        tell("not updated " + code + " " + text + " " + cause);
    }

    @Override
    public void onDeregistrationSuccess(LwM2mServer server, DeregisterRequest request) {
        tell("deregistered");
    }
}
