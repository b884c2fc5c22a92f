/** The form of device registration, and files to begin with (agent specification 3.1). */
import { REGISTRATION_EXAMPLES } from "../agent/registration-examples.ts";
import { registrationForm } from "../agent/registration-form.ts";
import { MooringError } from "../base/errors.ts";
import { attachment } from "./attachment.ts";
import { answerPlain, createRouter, may, type RestRouter } from "./context.ts";

const PATH = "/service/lwm2m-agent/deviceRegistration";

/** There is one language: `lang` is not looked at. */
export function registrationFormRouter(): RestRouter {
  const router = createRouter();
  router.get(`${PATH}/metadata`, may("operation:write"), ctx => {
    const { origin } = ctx.state.links;
    answerPlain(
      ctx,
      200,
      registrationForm(file => `${origin}${PATH}/examples/${file}`),
    );
  });
  return router;
}

/** Needs no login: clients show the addresses as they are. */
export function registrationExamplesRouter(): RestRouter {
  const router = createRouter();
  router.get(`${PATH}/examples/:file`, ctx => {
    const { file } = ctx.params;
    const example = REGISTRATION_EXAMPLES.find(each => each.file === file);
    if (!example) throw new MooringError("NOT_FOUND", `there is no example ${file}`);
    ctx.set("Content-Type", "text/csv;charset=UTF-8");
    ctx.set("Content-Disposition", attachment(example.file));
    ctx.body = example.content;
  });
  return router;
}
