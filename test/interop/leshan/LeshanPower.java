import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.leshan.client.LwM2mClient;

/** What a device does after its answer has left: it works on, stops and comes back. */
final class LeshanPower {
    /** Californium sends the answer on the way out of the handler; a device that is to stop waits a little. */
    private static final long AFTER_ANSWER_MS = 100;
    private static final ScheduledExecutorService WORKER = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "device");
        thread.setDaemon(true);
        return thread;
    });

    private LeshanPower() {
    }

    static void soon(Runnable work) {
        WORKER.schedule(work, AFTER_ANSWER_MS, TimeUnit.MILLISECONDS);
    }

    static void restart(LwM2mClient client, boolean deregisters, long awaySeconds) {
        soon(() -> {
            client.stop(deregisters);
            WORKER.schedule(client::start, awaySeconds, TimeUnit.SECONDS);
        });
    }
}
